// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/menu_files.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "entry/find_ukis.h"

namespace vhdboot::entry {

std::optional<Place> find_on(disk::GuestDisk& disk, const disk::GuestPartition& partition, const std::string& path) {
  const auto top = disk.mount(partition);
  if (top && top->has(path)) return Place{*top, path};
  // Where its default subvolume begins elsewhere, GRUB counts from the top all the same.
  if (partition.type != "btrfs") return std::nullopt;
  const auto all = disk.mount(partition, std::string(disk::kTopSubvolume));
  if (!all || !all->has(path)) return std::nullopt;
  return Place{*all, path};
}

std::optional<Place> FileFinder::find(std::string_view text, const std::string& volume) {
  if (text.starts_with('(')) text.remove_prefix(std::min(text.find(')') + 1, text.size()));
  if (!text.starts_with('/')) return std::nullopt;
  const std::string path(text);
  if (!volume.empty())
    for (const disk::GuestPartition& partition : disk_.partitions())
      if (equals_ignoring_ascii_case(partition.identity.uuid, volume))
        if (auto place = find_on(disk_, partition, path)) return place;
  if (boot_.top.has(path)) return Place{boot_.top, path};
  if (auto place = find_on(disk_, boot_.top.partition(), path)) return place;
  std::optional<Place> only;
  for (const disk::GuestPartition& partition : disk_.partitions()) {
    if (&partition == &boot_.top.partition()) continue;
    auto place = find_on(disk_, partition, path);
    if (place && only) return std::nullopt;
    if (place) only = std::move(place);
  }
  return only;
}

Result<GuestEntry> open_menu_files(const MenuFiles& files, const BootEntry& entry, const OpenRequest& request) {
  GuestEntry opened{.entry = entry};
  if (files.is_image) {
    opened = TRY(open_uki(files.program.tree, files.program.path, entry, request));
  } else {
    const auto open = [&](const Place& place) -> Result<kexec::Piece> {
      opened.files.push_back(TRY_IN(printable(place.full_path()), place.tree.open(place.path)));
      const ByteSource& file = *opened.files.back();
      return kexec::Piece{&file, {0, file.size()}};
    };
    opened.parts.kernel = TRY(open(files.program));
    for (const Place& initrd : files.initrds) opened.parts.initrds.push_back(TRY(open(initrd)));
    opened.parts.cmdline = entry.options;
  }
  if (!files.warning.empty()) opened.warnings.push_back(files.warning);
  return opened;
}

}  // namespace vhdboot::entry
