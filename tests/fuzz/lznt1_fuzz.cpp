// SPDX-License-Identifier: GPL-2.0-or-later
// What NTFS compressed.
#include "init/volume/lznt1.h"

#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  for (const std::size_t wanted : {std::size_t{65536}, std::size_t{4096}, std::size_t{5}}) {
    const auto out = volume::lznt1_decompress(input, wanted);
    check(out ? out->size() == wanted : out.error().code == Code::Corrupt);
  }
  return 0;
}
