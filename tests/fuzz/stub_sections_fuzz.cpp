// SPDX-License-Identifier: GPL-2.0-or-later
// Whatever the image in memory, a section that the stub finds lies within it.
#include <cstdlib>

#include "efi/pe_sections.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes image(reinterpret_cast<const std::byte*>(data), size);
  for (const auto* name : {".linux", ".initrd", ".cmdline", ".", ""}) {
    const auto section = efi::find_section(image, name);
    if (!section) continue;
    const auto offset = static_cast<std::uint64_t>(section->data() - image.data());
    if (!slice(image, offset, section->size())) std::abort();
  }
  return 0;
}
