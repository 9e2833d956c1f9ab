// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/menu_files.h"

#include <algorithm>
#include <iterator>
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

namespace {

// A path as GRUB takes it: "(hd0,gpt3)/vmlinuz".
struct GrubPath {
  std::string_view device;
  std::string path;
};

GrubPath parse_grub_path(std::string_view text) {
  const std::size_t end = text.starts_with('(') ? text.find(')') : std::string_view::npos;
  if (end == std::string_view::npos) return {.device = {}, .path = std::string(text)};
  return {.device = text.substr(1, end - 1), .path = std::string(text.substr(end + 1))};
}

// The partition of "hd0,gpt3", "hd0,msdos3" or "hd0,3", or of ",gpt3" behind a disk that GRUB found out; nothing for
// what is no device of GRUB on the first disk.
std::optional<std::uint64_t> number_on_first_disk(std::string_view device) {
  const std::size_t comma = device.find(',');
  if (comma != 0 && !device.starts_with("hd0,")) return std::nullopt;
  return parse_u64(device.substr(std::min(device.find_first_of("0123456789", comma), device.size())));
}

}  // namespace

bool is_on_volume(const disk::GuestPartition& partition, std::string_view volume) {
  constexpr std::string_view kLabel = "LABEL=";
  if (volume.empty()) return false;
  return volume.starts_with(kLabel) ? partition.identity.label == volume.substr(kLabel.size())
                                    : equals_ignoring_ascii_case(partition.identity.uuid, volume);
}

FileFinder::Partitions FileFinder::meant(std::string_view text, std::string_view volume) {
  const auto [device, path] = parse_grub_path(text);
  const auto number = number_on_first_disk(device.empty() ? volume : device);
  // What else GRUB names so is on no partition: "(lvm/vg-boot)", "(hd1,gpt2)".
  if (!device.empty() && device.find_first_of(",/") == std::string_view::npos) volume = device;
  Partitions found;
  for (const disk::GuestPartition& partition : disk_.partitions()) {
    // To GRUB another disk may have been the first: the file tells.
    const bool is_meant = number ? partition.entry != nullptr && partition.entry->number == *number &&
                                       find_on(disk_, partition, path).has_value()
                                 : is_on_volume(partition, volume);
    if (is_meant) found.push_back(&partition);
  }
  return found;
}

bool FileFinder::is_elsewhere(std::string_view text, std::string_view volume) {
  const Partitions partitions = meant(text, volume);
  return !partitions.empty() && std::ranges::find(partitions, &boot_.top.partition()) == partitions.end();
}

std::optional<Place> FileFinder::find_there(std::string_view text, std::string_view volume) {
  for (const disk::GuestPartition* partition : meant(text, volume))
    if (auto place = find_on(disk_, *partition, parse_grub_path(text).path)) return place;
  return std::nullopt;
}

std::optional<Place> FileFinder::find(std::string_view text, std::string_view volume) {
  const std::string path = parse_grub_path(text).path;
  if (!path.starts_with('/')) return std::nullopt;
  if (auto place = find_there(text, volume)) return place;
  if (!meant(text, volume).empty()) return std::nullopt;
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
  std::ranges::copy(files.warnings, std::back_inserter(opened.warnings));
  return opened;
}

}  // namespace vhdboot::entry
