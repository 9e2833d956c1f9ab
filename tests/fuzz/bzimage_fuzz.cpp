// SPDX-License-Identifier: GPL-2.0-or-later
// Kernel headers: whatever the file, what is accepted is possible.
#include <bit>
#include <cstdlib>

#include "kexec/bzimage.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto image = kexec::parse_bzimage(MemorySource(bytes), {0, size});
  if (!image) return 0;
  if (image->setup_bytes > size || image->header_end > image->setup_bytes) std::abort();
  if (!std::has_single_bit(image->kernel_alignment)) std::abort();
  for (const char c : image->version)
    if (static_cast<unsigned char>(c) < 0x20) std::abort();
  return 0;
}
