// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/volume_tree.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "init/volume/path.h"

namespace vhdboot::sys {
namespace {

// The root has no name here.
Result<volume::Path> path_of(const std::string& path) {
  return volume::parse_path(path.empty() ? "/" : path);
}

Result<volume::FileLayout> layout_of(volume::HostVolume& volume, const std::string& path) {
  return volume.layout(TRY(path_of(path)));
}

}  // namespace

bool VolumeTree::has(const std::string& path) const {
  return layout_of(volume_, path).has_value();
}

bool VolumeTree::is_folder(const std::string& path) const {
  const auto layout = layout_of(volume_, path);
  return layout && layout->directory;
}

std::vector<std::string> VolumeTree::list(const std::string& path) const {
  std::vector<std::string> names;
  const auto parsed = path_of(path);
  const auto entries = parsed ? volume_.list(*parsed) : std::unexpected(parsed.error());
  if (entries)
    for (const volume::DirEntry& entry : *entries) names.push_back(entry.name);
  std::ranges::sort(names);
  return names;
}

Result<std::unique_ptr<ByteSource>> VolumeTree::open(const std::string& path) const {
  return std::make_unique<OwnedSource>(TRY(read(path, kMaxOpened)));
}

Result<std::vector<std::byte>> VolumeTree::read(const std::string& path, std::uint64_t cap) const {
  const volume::Path parsed = TRY(path_of(path));
  if (const auto layout = TRY(volume_.layout(parsed)); layout.size > cap)
    return fail(Code::NoMemory, concat("the file holds more than ", human_size(cap)));
  return volume_.read_file(parsed, cap);
}

}  // namespace vhdboot::sys
