// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/mount_table.h"

#include <algorithm>

#include "base/text.h"

namespace vhdboot::tools {
namespace {

// Blanks and backslashes are octal there.
std::string without_escapes(std::string_view field) {
  std::string out;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const auto code = field[i] == '\\' ? parse_u64(field.substr(i + 1, 3), 8) : std::nullopt;
    out += code ? static_cast<char>(*code) : field[i];
    if (code) i += 3;
  }
  return out;
}

bool has_option(std::string_view options, std::string_view wanted) {
  return std::ranges::any_of(split(options, ','), [&](std::string_view option) { return option == wanted; });
}

}  // namespace

std::vector<MountedVolume> parse_mount_table(std::string_view text) {
  std::vector<MountedVolume> table;
  for (const std::string_view line : split_lines(text)) {
    const auto fields = split_words(line);
    const auto dash = std::ranges::find(fields, "-");
    if (dash - fields.begin() < 6 || fields.end() - dash < 3) continue;
    const bool read_only = has_option(fields[5], "ro") || (fields.end() - dash > 3 && has_option(dash[3], "ro"));
    table.push_back({.numbers = std::string(fields[2]),
                     .top = without_escapes(fields[3]),
                     .place = without_escapes(fields[4]),
                     .type = std::string(dash[1]),
                     .source = without_escapes(dash[2]),
                     .read_only = read_only});
  }
  return table;
}

const MountedVolume* mount_of(const std::vector<MountedVolume>& table, std::string_view path) {
  const MountedVolume* found = nullptr;
  for (const MountedVolume& one : table) {
    const bool is_above =
        one.place == "/" || path == one.place ||
        (path.starts_with(one.place) && path.size() > one.place.size() && path[one.place.size()] == '/');
    if (is_above && (found == nullptr || one.place.size() >= found->place.size())) found = &one;
  }
  return found;
}

std::string path_on_volume(const MountedVolume& volume, std::string_view path) {
  std::string_view below = path;
  if (volume.place != "/") below.remove_prefix(std::min(below.size(), volume.place.size()));
  const std::string whole = volume.top == "/" ? std::string(below) : concat(volume.top, below);
  return whole.empty() ? "/" : whole;
}

}  // namespace vhdboot::tools
