// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/codecs.h"
#include "init/modules/decompress.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  constexpr std::size_t kCap = 1U << 20;
  const auto out =
      modules::decompress({reinterpret_cast<const std::byte*>(data), size}, kCap, modules::make_decompressor);
  if (out && out->size() > kCap) std::abort();
  if (!out && out.error().text.empty()) std::abort();
  return 0;
}
