// SPDX-License-Identifier: GPL-2.0-or-later
// A list of what a boot needs: it lies within the image, and is read as it is written.
#include "init/arrive/boot_set.h"

#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot::arrive;
  constexpr std::uint64_t kBlocks = 1000;
  const auto blocks = parse_boot_set({reinterpret_cast<const char*>(data), size}, kBlocks);
  if (!blocks) return 0;
  for (const Blocks& run : *blocks) check(run.count > 0 && run.first < kBlocks && run.count <= kBlocks - run.first);
  const auto again = parse_boot_set(to_text(*blocks, kBlocks), kBlocks);
  check(again && *again == *blocks);
  return 0;
}
