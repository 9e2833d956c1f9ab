// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/parent_places.h"

#include <algorithm>
#include <string>

#include "base/text.h"
#include "vhd/disk.h"

namespace vhdboot::blocks {

std::vector<volume::Path> parent_places(const volume::Path& child, std::string_view path, bool named) {
  const std::string local = vhd::local_parent_path(path);
  const std::string_view name = std::string_view(local).substr(local.rfind('/') + 1);
  std::vector<volume::Path> places;
  if (name.empty() || name == "." || name == "..") return places;
  const auto add = [&](volume::Path place) {
    if (std::ranges::find(places, place) == places.end()) places.push_back(std::move(place));
  };
  for (const std::string_view one : {std::string_view(local), name})
    if (auto place = volume::resolve(child.parent(), one)) add(*std::move(place));
  if (named)
    if (auto place = absolute_place(path)) add(*std::move(place));
  return places;
}

std::optional<volume::Path> absolute_place(std::string_view path) {
  constexpr std::string_view kLong = "//?/";
  constexpr std::string_view kVolume = "volume{";
  std::string text(path);
  std::ranges::replace(text, '\\', '/');
  std::string_view rest = text;
  const bool is_long = rest.starts_with(kLong);
  if (is_long) rest.remove_prefix(kLong.size());
  // Up to the separator behind "D:" or "Volume{...}".
  const std::string_view name = rest.substr(0, rest.find('/'));
  const bool is_drive =
      name.size() == 2 && to_lower_ascii(name[0]) >= 'a' && to_lower_ascii(name[0]) <= 'z' && name[1] == ':';
  const bool is_volume = is_long && to_lower_ascii(name).starts_with(kVolume) && name.ends_with('}');
  if (!is_drive && !is_volume) return std::nullopt;
  auto place = volume::parse_path(rest.substr(name.size()));
  // Not a folder, "D:\vhd\." or "D:\vhd\".
  if (!place || place->is_root() || !rest.ends_with(place->name())) return std::nullopt;
  return *std::move(place);
}

}  // namespace vhdboot::blocks
