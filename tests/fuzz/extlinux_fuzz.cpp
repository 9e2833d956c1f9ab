// SPDX-License-Identifier: GPL-2.0-or-later
// An extlinux.conf: paths begin at the top and have no "..", and the default is one of the entries.
#include "entry/extlinux.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::entry;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto menu = parse_extlinux(text, "/boot/extlinux");
  if (!menu) {
    check(menu.error().code == Code::Corrupt);
    return 0;
  }
  check(menu->entries.size() <= kMaxExtlinuxEntries + 1);
  for (const MenuEntry& entry : menu->entries) {
    check(entry.kernel.empty() || entry.kernel.starts_with('/'));
    check(!entry.kernel.contains("/../") && !entry.kernel.ends_with("/.."));
    check(!entry.kernel.empty() || entry.arguments.empty());
  }
  const MenuEntry* chosen = default_entry(*menu);
  check(chosen == nullptr || !chosen->kernel.empty());
  return 0;
}
