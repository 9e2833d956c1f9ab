// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/fstab.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace vhdboot::entry {

namespace {

// "\040": the three octal digits at the front of `text`; nothing when they are not there or no byte other than NUL.
std::optional<char> octal_escape(std::string_view text) {
  if (text.size() < 4 || text.front() != '\\') return std::nullopt;
  const auto value = parse_u64(text.substr(1, 3), 8);
  if (!value || *value == 0 || *value > 0xFF) return std::nullopt;
  return static_cast<char>(*value);
}

std::string without_escapes(std::string_view field) {
  std::string out;
  while (!field.empty()) {
    const auto escaped = octal_escape(field);
    out += escaped.value_or(field.front());
    field.remove_prefix(escaped ? 4 : 1);
  }
  return out;
}

std::string_view without_slashes_at_end(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

}  // namespace

Result<std::vector<FstabEntry>> parse_fstab(std::string_view text) {
  if (text.size() > kMaxFstabBytes)
    return fail(Code::Corrupt, concat("a file of ", text.size(), " bytes is no fstab (at most ", kMaxFstabBytes, ")"));
  std::vector<FstabEntry> entries;
  unsigned number = 0;
  for (const std::string_view line : split_lines(text)) {
    ++number;
    const auto fields = split_words(line);
    if (fields.size() < 3 || fields.front().starts_with('#')) continue;
    if (entries.size() == kMaxFstabEntries)
      return fail(Code::Corrupt, concat("an fstab with more than ", kMaxFstabEntries, " entries"));
    entries.push_back({.spec = without_escapes(fields[0]),
                       .file = without_escapes(fields[1]),
                       .type = without_escapes(fields[2]),
                       .options = fields.size() > 3 ? without_escapes(fields[3]) : "",
                       .line = number,
                       .is_checked = fields.size() > 5 && parse_u64(fields[5]).value_or(0) > 0});
  }
  return entries;
}

const FstabEntry* find_mount(const std::vector<FstabEntry>& entries, std::string_view mount_point) {
  const auto wanted = without_slashes_at_end(mount_point);
  const auto found = std::ranges::find_if(entries.rbegin(), entries.rend(), [&](const FstabEntry& entry) {
    return without_slashes_at_end(entry.file) == wanted;
  });
  return found == entries.rend() ? nullptr : &*found;
}

}  // namespace vhdboot::entry
