// SPDX-License-Identifier: GPL-2.0-or-later
// Addons: what they bring lies within the file, and the kernel's release only ever decides whether they are taken.

#include "entry/addon.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const MemorySource file(bytes);
  const auto any = entry::parse_addon(file, std::nullopt);
  for (const auto& uname : {"6.12.1", ""}) {
    const auto addon = entry::parse_addon(file, uname);
    if (!addon) continue;
    check(any.has_value() && any->cmdline == addon->cmdline && any->initrd == addon->initrd);
  }
  if (!any) {
    check(!any.error().text.empty());
    return 0;
  }
  check(any->cmdline || any->initrd || any->ucode || any->devicetree);
  for (const auto& range : {any->initrd, any->ucode})
    check(!range || (!range->empty() && slice(bytes, range->offset, range->length)));
  for (const char c : any->cmdline.value_or("")) check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  return 0;
}
