// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/inspected_disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "disk/fat_tree.h"
#include "disk/file_system_features.h"
#include "disk/volume_group.h"
#include "init/sys/content.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"
#include "init/sys/mounted_tree.h"
#include "init/volume/file_source.h"

namespace vhdboot::vhdtool {
namespace {

// What the kernel has no name for: an MBR without a signature.
constexpr std::string_view kNoSignature = "00000000-";

std::uint64_t length_of(const std::vector<Extent>& extents) {
  return extents.empty() ? 0 : extents.back().logical + extents.back().length;
}

// Where in the backing file an extent begins, when it lies there in one piece.
std::optional<std::uint64_t> find_in(const std::vector<Extent>& backing, const Extent& place) {
  for (const Extent& extent : backing)
    if (place.physical >= extent.logical && place.physical - extent.logical < extent.length)
      return place.length <= extent.length - (place.physical - extent.logical)
                 ? std::optional(extent.physical + (place.physical - extent.logical))
                 : std::nullopt;
  return std::nullopt;
}

// The same of several that follow each other there.
std::optional<std::uint64_t> find_in(const std::vector<Extent>& backing, const std::vector<Extent>& places) {
  std::optional<std::uint64_t> start;
  for (const Extent& place : places) {
    const auto found = find_in(backing, place);
    if (!found || (start && *found != *start + place.logical)) return std::nullopt;
    if (!start) start = found;
  }
  return start;
}

// By what this system can do, not by what is on the partition. EINVAL: features that its kernel does not know and ours
// does are one reason.
bool is_of_this_system(const Error& error) {
  constexpr std::array kErrors{0, ENODEV, EPERM, EACCES, ENOSYS, ENOENT, EBUSY, ENOMEM, EINVAL, EOPNOTSUPP};
  return std::ranges::find(kErrors, error.sys_errno) != kErrors.end();
}

Result<Fd> mount_device(const std::string& device, const std::string& type, const std::string& root_flags) {
  const auto options = disk::guest_mount_options(type).value_or("");
  // A copy of a file system that is mounted already has its UUID.
  const std::string_view copy = type == "xfs" ? "nouuid" : "";
  auto root = sys::mount_detached_read_only(device, type, concat(options, ',', copy, ',', root_flags));
  // As the boot does: an old file system may know none of them. The device is read-only in any case.
  if (!root && root.error().sys_errno == EINVAL)
    root = sys::mount_detached_read_only(device, type, concat(copy, ',', root_flags));
  // Without the loop device, which is another one each time.
  if (!root) return std::unexpected(Error{root.error().code, root.error().sys_errno, "this system cannot mount it"});
  return root;
}

}  // namespace

Result<Backing> open_backing(const std::string& path, std::vector<Extent> extents) {
  if (::geteuid() != 0) return fail(Code::Unsupported, "run this as root to look into it");
  auto fd = TRY(sys::open_file(path, O_RDONLY));
  return Backing{std::move(fd), std::move(extents)};
}

InspectedDisk::InspectedDisk(const ByteSource& disk, const disk::PartitionTable& table, Result<Backing> backing)
    : GuestDisk(table), disk_(disk), backing_(std::move(backing)) {
  if (table.scheme == disk::Scheme::None)
    look_at({.device = "loop0"}, {{.logical = 0, .physical = 0, .length = disk.size()}});
  for (const disk::Partition& entry : table.partitions)
    look_at({.entry = &entry, .device = concat("loop0p", entry.number)},
            {{.logical = 0, .physical = entry.start, .length = entry.length}});
  look_at_volumes();
}

void InspectedDisk::look_at(disk::GuestPartition partition, std::vector<Extent> extents) {
  const std::uint64_t length = length_of(extents);
  sys::Content content = sys::identify(volume::FileSource(disk_, extents, length, length));
  partition.type = std::move(content.type);
  partition.identity = std::move(content.identity);
  if (const disk::Partition* entry = partition.entry; entry != nullptr) {
    partition.identity.number = entry->number;
    partition.identity.partlabel = entry->name;
    if (!entry->partuuid.starts_with(kNoSignature)) partition.identity.partuuid = entry->partuuid;
  }
  extents_[partition.device] = std::move(extents);
  add(std::move(partition));
}

// As the boot does (init/sys/logical_volumes.h), without a device: what cannot be followed is left out there as well.
void InspectedDisk::look_at_volumes() {
  disk::VolumeGroups groups;
  std::vector<std::uint64_t> starts;  // of the physical volumes
  for (const disk::GuestPartition& partition : partitions()) {
    if (partition.type != "LVM2_member") continue;
    const Extent& place = extents_of(partition).front();
    starts.push_back(place.physical);
    (void)groups.add(SliceSource(disk_, place.physical, place.length));
  }
  std::size_t count = 0;
  for (const auto& [name, group] : groups.groups())
    for (const disk::LogicalVolume& volume : group.volumes) {
      const auto placed = groups.place(volume);
      if (!volume.is_linear || !placed || count == disk::kMaxLogicalVolumes) continue;
      std::vector<Extent> extents;
      for (const disk::PlacedPiece& piece : *placed)
        extents.push_back({.logical = piece.start * kSectorSize,
                           .physical = starts[piece.device] + piece.device_start * kSectorSize,
                           .length = piece.length * kSectorSize});
      look_at({.device = concat("volume", count++), .group = name, .volume = volume.name}, std::move(extents));
    }
}

Result<void> InspectedDisk::read(const disk::GuestPartition& partition, std::uint64_t offset, MutableBytes out) const {
  const std::vector<Extent>& extents = extents_of(partition);
  const std::uint64_t length = length_of(extents);
  return volume::FileSource(disk_, extents, length, length).read(offset, out);
}

Result<InspectedDisk::Device> InspectedDisk::attach(const disk::GuestPartition& partition) {
  if (!backing_) return std::unexpected(backing_.error());
  std::weak_ptr<const sys::LoopDevice>& known = devices_[partition.device];
  if (Device device = known.lock()) return device;
  const std::vector<Extent>& extents = extents_of(partition);
  const auto start = find_in(backing_->extents, extents);
  if (!start && extents.size() > 1)
    return fail(Code::Unsupported, "it lies in several pieces, which only a boot puts together");
  if (!start)
    return fail(Code::Unsupported, "it lies in several pieces: check the file on the mounted volume, without --volume");
  auto device = std::make_shared<const sys::LoopDevice>(TRY(sys::LoopDevice::attach(backing_->fd, "vhdtool",
                                                                                    {.read_only = true,
                                                                                     .direct_io = false,
                                                                                     .offset = *start,
                                                                                     .size_limit = length_of(extents),
                                                                                     .block_size = 512,
                                                                                     .auto_clear = true})));
  known = device;
  return device;
}

Result<std::unique_ptr<disk::FileTree>> InspectedDisk::mount_files(const disk::GuestPartition& partition,
                                                                   const std::string& root_flags) {
  Device device = TRY(attach(partition));
  Fd root = TRY(mount_device(device->path(), partition.type, root_flags));
  return std::make_unique<sys::MountedTree>(std::move(root), std::move(device));
}

Result<std::unique_ptr<disk::FileTree>> InspectedDisk::open_files(const disk::GuestPartition& partition,
                                                                  const std::string& root_flags) {
  const std::vector<Extent>& extents = extents_of(partition);
  const std::uint64_t length = length_of(extents);
  if (partition.type == "vfat")
    return TRY(disk::FatTree::open(std::make_unique<volume::FileSource>(disk_, extents, length, length)));
  // Of the boot kernel: this one may know more, or less.
  const auto unknown = disk::unknown_features(volume::FileSource(disk_, extents, length, length), partition.type);
  auto files = unknown ? fail(Code::Unsupported, *unknown) : mount_files(partition, root_flags);
  if (files) return files;
  Error error = unknown ? std::move(files).error()
                        : std::move(files).error().within(concat("it holds ", printable(partition.type)));
  const bool is_other = error.sys_errno == ENOENT && !root_flags.empty();  // a subvolume that is not there
  if (!is_other && std::ranges::find(unread_, &partition, &Unread::partition) == unread_.end())
    unread_.push_back({.partition = &partition,
                       .text = error.within(partition.description()).message(),
                       .boot_may_read = !unknown && is_of_this_system(error)});
  return std::unexpected(std::move(error));
}

}  // namespace vhdboot::vhdtool
