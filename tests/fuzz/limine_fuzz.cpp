// SPDX-License-Identifier: GPL-2.0-or-later
// A limine.conf: paths begin at the top, folders start nothing, parents stand in front, and the default boots Linux.
#include "entry/limine.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::entry;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const LimineStyle style : {LimineStyle::Conf, LimineStyle::Cfg}) {
    const auto menu = parse_limine(text, style);
    if (!menu) {
      check(menu.error().code == Code::Corrupt);
      continue;
    }
    check(menu->entries.size() <= kMaxLimineEntries);
    for (std::size_t i = 0; i < menu->entries.size(); ++i) {
      const LimineEntry& entry = menu->entries[i];
      check(!entry.parent || (*entry.parent < i && menu->entries[*entry.parent].is_folder));
      check(!entry.is_folder || entry.program.path.empty());
      check(entry.program.path.empty() || entry.program.path.starts_with('/'));
      check(!entry.program.path.empty() || (entry.cmdline.empty() && entry.modules.empty()));
    }
    check(!menu->usual || !menu->entries.at(*menu->usual).program.path.empty());
  }
  return 0;
}
