// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/parent_places.h"

#include <algorithm>
#include <string>

#include "vhd/disk.h"

namespace vhdboot::blocks {

std::vector<volume::Path> parent_places(const volume::Path& child, std::string_view path) {
  const std::string local = vhd::local_parent_path(path);
  const std::string_view name = std::string_view(local).substr(local.rfind('/') + 1);
  std::vector<volume::Path> places;
  if (name.empty() || name == "." || name == "..") return places;
  for (const std::string_view one : {std::string_view(local), name})
    if (auto place = volume::resolve(child.parent(), one); place && std::ranges::find(places, *place) == places.end())
      places.push_back(*std::move(place));
  return places;
}

}  // namespace vhdboot::blocks
