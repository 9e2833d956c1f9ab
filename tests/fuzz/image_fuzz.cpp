// SPDX-License-Identifier: GPL-2.0-or-later
// What kind of image a file is: any bytes; the payload of an accepted one lies within the file.
#include <cstdlib>

#include "base/byte_source.h"
#include "vhd/image.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::vhd;
  const MemorySource file({reinterpret_cast<const std::byte*>(data), size});
  const auto info = identify(file);
  if (!info) return 0;
  if (info->payload_size == 0 || info->payload_size % kSectorSize != 0) std::abort();
  if (info->payload_size + (info->format == Format::FixedVhd ? kFooterSize : 0) != size) std::abort();
  return 0;
}
