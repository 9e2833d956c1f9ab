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

const disk::GuestPartition* partition_of_menu(const disk::GuestDisk& disk, std::string_view volume) {
  constexpr std::string_view kLabel = "LABEL=";
  constexpr std::string_view kFirstDisk = "hd0,";
  if (volume.starts_with('(') && volume.ends_with(')')) volume = volume.substr(1, volume.size() - 2);
  std::optional<std::uint64_t> number;
  // "hd0,gpt3", "hd0,msdos3", "hd0,3"
  if (volume.starts_with(kFirstDisk))
    number = parse_u64(volume.substr(std::min(volume.find_first_of("0123456789", kFirstDisk.size()), volume.size())));
  const auto is_meant = [&](const disk::GuestPartition& partition) {
    if (number) return partition.entry != nullptr && partition.entry->number == *number;
    if (volume.starts_with(kLabel)) return partition.identity.label == volume.substr(kLabel.size());
    return equals_ignoring_ascii_case(partition.identity.uuid, volume);
  };
  const auto found = std::ranges::find_if(disk.partitions(), is_meant);
  return volume.empty() || found == disk.partitions().end() ? nullptr : &*found;
}

const disk::GuestPartition* partition_of_menu(const disk::GuestDisk& disk, std::string_view path,
                                              std::string_view volume) {
  const std::size_t end = path.starts_with('(') ? path.find(')') : std::string_view::npos;
  const auto* const device = end == std::string_view::npos ? nullptr : partition_of_menu(disk, path.substr(0, end + 1));
  return device != nullptr ? device : partition_of_menu(disk, volume);
}

std::optional<Place> FileFinder::find(std::string_view text, const std::string& volume) {
  const disk::GuestPartition* const meant = partition_of_menu(disk_, text, volume);
  if (text.starts_with('(')) text.remove_prefix(std::min(text.find(')') + 1, text.size()));
  if (!text.starts_with('/')) return std::nullopt;
  const std::string path(text);
  if (meant != nullptr)
    if (auto place = find_on(disk_, *meant, path)) return place;
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
