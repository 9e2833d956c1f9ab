// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/crypttab.h"

#include <algorithm>

#include "base/text.h"

namespace vhdboot::entry {

Result<std::vector<CrypttabEntry>> parse_crypttab(std::string_view text) {
  if (text.size() > kMaxCrypttabBytes)
    return fail(Code::Corrupt,
                concat("a file of ", text.size(), " bytes is no crypttab (at most ", kMaxCrypttabBytes, ")"));
  std::vector<CrypttabEntry> entries;
  unsigned number = 0;
  for (const std::string_view line : split_lines(text)) {
    ++number;
    const auto fields = split_words(line);
    if (fields.size() < 2 || fields.front().starts_with('#')) continue;
    if (entries.size() == kMaxCrypttabEntries)
      return fail(Code::Corrupt, concat("a crypttab with more than ", kMaxCrypttabEntries, " entries"));
    entries.push_back({.name = std::string(fields[0]),
                       .device = std::string(fields[1]),
                       .key = fields.size() > 2 ? std::string(fields[2]) : "",
                       .options = fields.size() > 3 ? std::string(fields[3]) : "",
                       .line = number});
  }
  return entries;
}

bool is_formatted_at_start(const CrypttabEntry& entry) {
  return std::ranges::any_of(split(entry.options, ','), [](std::string_view option) {
    return option == "swap" || option == "tmp" || option.starts_with("tmp=");
  });
}

}  // namespace vhdboot::entry
