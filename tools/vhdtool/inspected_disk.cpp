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
#include "disk/fat_tree.h"
#include "init/sys/block.h"
#include "init/sys/file.h"
#include "init/sys/loop.h"
#include "init/sys/mount.h"
#include "init/sys/mounted_tree.h"

namespace vhdboot::vhdtool {
namespace {

// What the kernel has no name for: an MBR without a signature.
constexpr std::string_view kNoSignature = "00000000-";

struct Place {
  std::uint64_t start = 0;
  std::uint64_t length = 0;
};

Place place_of(const disk::GuestPartition& partition, const ByteSource& disk) {
  return partition.entry == nullptr ? Place{0, disk.size()} : Place{partition.entry->start, partition.entry->length};
}

// Where in the backing file that begins, when it lies there in one piece.
std::optional<std::uint64_t> find_in(const std::vector<Extent>& extents, const Place& place) {
  for (const Extent& extent : extents)
    if (place.start >= extent.logical && place.start - extent.logical < extent.length)
      return place.length <= extent.length - (place.start - extent.logical)
                 ? std::optional(extent.physical + (place.start - extent.logical))
                 : std::nullopt;
  return std::nullopt;
}

// A file system on a loop device of its own.
class AttachedTree final : public disk::FileTree {
 public:
  AttachedTree(sys::LoopDevice device, Fd root) : device_(std::move(device)), files_(std::move(root)) {}

  [[nodiscard]] bool has(const std::string& path) const override { return files_.has(path); }
  [[nodiscard]] bool is_folder(const std::string& path) const override { return files_.is_folder(path); }
  [[nodiscard]] std::vector<std::string> list(const std::string& path) const override { return files_.list(path); }
  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(const std::string& path) const override {
    return files_.open(path);
  }
  [[nodiscard]] Result<std::vector<std::byte>> read(const std::string& path, std::uint64_t cap) const override {
    return files_.read(path, cap);
  }
  [[nodiscard]] std::uint64_t subvolume(const std::string& path) const override { return files_.subvolume(path); }

 private:
  sys::LoopDevice device_;
  sys::MountedTree files_;  // goes first: the device is busy until then
};

// By what this system can do, not by what is on the partition.
bool is_of_this_system(const Error& error) {
  constexpr std::array kErrors{0, ENODEV, EPERM, EACCES, ENOSYS, ENOENT, EBUSY, ENOMEM};
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
  const auto look_at = [&](const disk::Partition* entry, std::string device) {
    disk::GuestPartition partition{.entry = entry, .device = std::move(device), .type = {}, .identity = {}};
    const Place place = place_of(partition, disk);
    sys::Content content = sys::identify(SliceSource(disk, place.start, place.length));
    partition.type = std::move(content.type);
    partition.identity = std::move(content.identity);
    if (entry != nullptr) {
      partition.identity.number = entry->number;
      partition.identity.partlabel = entry->name;
      if (!entry->partuuid.starts_with(kNoSignature)) partition.identity.partuuid = entry->partuuid;
    }
    add(std::move(partition));
  };
  if (table.scheme == disk::Scheme::None) look_at(nullptr, "loop0");
  for (const disk::Partition& entry : table.partitions) look_at(&entry, concat("loop0p", entry.number));
}

Result<std::unique_ptr<disk::FileTree>> InspectedDisk::attach(const disk::GuestPartition& partition,
                                                              const std::string& root_flags) const {
  if (!backing_) return std::unexpected(backing_.error());
  const Place place = place_of(partition, disk_);
  const auto start = find_in(backing_->extents, place);
  if (!start)
    return fail(Code::Unsupported, "it lies in several pieces: check the file on the mounted volume, without --volume");
  auto device = TRY(sys::LoopDevice::attach(backing_->fd, "vhdtool",
                                            {.read_only = true,
                                             .direct_io = false,
                                             .offset = *start,
                                             .size_limit = place.length,
                                             .block_size = 512,
                                             .auto_clear = true}));
  auto root = TRY(mount_device(device.path(), partition.type, root_flags));
  return std::make_unique<AttachedTree>(std::move(device), std::move(root));
}

Result<std::unique_ptr<disk::FileTree>> InspectedDisk::open_files(const disk::GuestPartition& partition,
                                                                  const std::string& root_flags) {
  const Place place = place_of(partition, disk_);
  if (partition.type == "vfat")
    return TRY(disk::FatTree::open(std::make_unique<SliceSource>(disk_, place.start, place.length)));
  auto files = attach(partition, root_flags);
  if (files) return files;
  Error error = std::move(files).error().within(concat("it holds ", printable(partition.type)));
  if (std::ranges::find(unread_, &partition, &Unread::partition) == unread_.end())
    unread_.push_back({.partition = &partition,
                       .text = error.within(partition.description()).message(),
                       .boot_may_read = is_of_this_system(error)});
  return std::unexpected(std::move(error));
}

}  // namespace vhdboot::vhdtool
