// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/entry_file.h"

#include "base/text.h"

namespace vhdboot::kexec {

EntryFile parse_entry_file(std::string_view text) {
  EntryFile entry;
  for (const std::string_view raw : split_lines(text)) {
    const std::string_view line = trim(raw);
    const std::size_t blank = line.find_first_of(" \t");
    if (line.empty() || line.front() == '#' || blank == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, blank);
    const std::string_view value = trim(line.substr(blank));
    if (key == "title") {
      entry.title = value;
    } else if (key == "version") {
      entry.version = value;
    } else if (key == "machine-id") {
      entry.machine_id = value;
    } else if (key == "sort-key") {
      entry.sort_key = value;
    } else if (key == "linux" || key == "uki" || key == "efi") {
      entry.kernel = value;
    } else if (key == "initrd") {
      entry.initrds.emplace_back(value);
    } else if (key == "options") {
      if (!entry.options.empty()) entry.options += ' ';
      entry.options += value;
    }
  }
  return entry;
}

}  // namespace vhdboot::kexec
