// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/attached_guest_disk.h"

#include <array>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "disk/file_system_features.h"
#include "init/sys/block.h"
#include "init/sys/file.h"
#include "init/sys/logical_volumes.h"
#include "init/sys/mount.h"
#include "init/sys/mounted_tree.h"
#include "init/sys/pages.h"

namespace vhdboot::stage {
namespace {

// Of all memory; the kernel and initrd that are about to be loaded need theirs.
std::uint64_t quarter_of_memory() {
  return sys::total_memory().value_or(64 * kMiB) / 4;
}

}  // namespace

AttachedGuestDisk::AttachedGuestDisk(const sys::LoopDevice& disk, const disk::PartitionTable& table,
                                     const sys::Devices& devices, const sys::Reporter& report)
    : GuestDisk(table), devices_(devices), report_(report), memory_left_(quarter_of_memory()) {
  if (table.scheme == disk::Scheme::None) look_at({}, disk.name());
  for (const disk::Partition& entry : table.partitions)
    look_at({.entry = &entry}, concat(disk.name(), 'p', entry.number));
  look_at_volumes();
}

void AttachedGuestDisk::look_at(disk::GuestPartition partition, const std::string& name) {
  const auto device = sys::block_device(name);
  if (!device) return;
  auto content = devices_.content(*device).value_or(sys::Content());
  partition.device = name;
  partition.type = std::move(content.type);
  partition.identity = std::move(content.identity);
  partition.unread = partition.type.empty() && !can_be_read(partition);
  // What the table says is known of one that cannot be read, too.
  if (partition.entry != nullptr && partition.identity.partuuid.empty())
    partition.identity.partuuid = partition.entry->partuuid;
  add(std::move(partition));
}

void AttachedGuestDisk::look_at_volumes() {
  std::vector<sys::BlockDevice> physical;
  for (const disk::GuestPartition& partition : partitions())
    if (partition.type == "LVM2_member")
      if (auto device = sys::block_device(partition.device)) physical.push_back(*std::move(device));
  if (physical.empty()) return;
  auto volumes = sys::map_logical_volumes(physical);
  for (const std::string& sentence : volumes.not_linear) report_.log(sentence);
  for (const std::string& sentence : volumes.problems) report_.warn(sentence);
  for (sys::MappedVolume& volume : volumes.mapped) {
    const std::string node = volume.device.node();
    look_at({.group = std::move(volume.group), .volume = std::move(volume.name)}, node);
    volumes_[node] = std::make_shared<const sys::MappedDevice>(std::move(volume.device));
  }
}

AttachedGuestDisk::Volume AttachedGuestDisk::volume_of(const disk::GuestPartition& partition) const {
  const auto volume = volumes_.find(partition.device);
  return volume == volumes_.end() ? nullptr : volume->second;
}

Result<void> AttachedGuestDisk::read(const disk::GuestPartition& partition, std::uint64_t offset,
                                     MutableBytes out) const {
  return TRY(sys::FdSource::open(concat("/dev/", partition.device)))->read(offset, out);
}

bool AttachedGuestDisk::can_be_read(const disk::GuestPartition& partition) const {
  std::array<std::byte, kSectorSize> sector{};
  const auto read = this->read(partition, 0, sector);
  if (read) return true;
  report_.warn(concat(partition.description(), " cannot be read: ", read.error().message()));
  return false;
}

Result<std::unique_ptr<disk::FileTree>> AttachedGuestDisk::open_replayed(const disk::GuestPartition& partition,
                                                                         const std::string& root_flags) {
  Snapshot snapshot = snapshots_[partition.device].lock();
  if (!snapshot) {
    const auto origin = TRY(sys::block_device(partition.device));
    memory_left_ /= 2;  // for those that come after it
    snapshot = std::make_shared<const sys::MemorySnapshot>(
        TRY(sys::MemorySnapshot::make(origin, concat("vhdboot-replay-", partition.device), memory_left_)));
    snapshots_[partition.device] = snapshot;
  }
  Fd root = TRY(sys::mount_detached_read_only(snapshot->path(), partition.type, root_flags));
  return std::make_unique<sys::MountedTree>(std::move(root),
                                            std::make_shared<const Layers>(volume_of(partition), std::move(snapshot)));
}

Result<std::unique_ptr<disk::FileTree>> AttachedGuestDisk::open_files(const disk::GuestPartition& partition,
                                                                      const std::string& root_flags) {
  auto files = open_as_it_is(partition, root_flags);
  if (files) return files;
  const auto source = sys::FdSource::open(concat("/dev/", partition.device));
  const auto reason = source ? disk::unknown_features(**source, partition.type) : std::nullopt;
  if (reason) return fail(Code::Unsupported, *reason);
  return files;
}

Result<std::unique_ptr<disk::FileTree>> AttachedGuestDisk::open_as_it_is(const disk::GuestPartition& partition,
                                                                         const std::string& root_flags) {
  const std::string path = concat("/dev/", partition.device);
  // A journal that has to be replayed makes this fail, since the disk is read-only.
  auto root = sys::mount_detached_read_only(path, partition.type, root_flags);
  const auto without_replay = disk::guest_mount_options(partition.type).value_or("");
  if (!root && !without_replay.empty()) {
    auto replayed = open_replayed(partition, root_flags);
    if (replayed) {
      report_.log(concat(partition.description(), " was not unmounted: its journal is replayed in memory"));
      return replayed;
    }
    root = sys::mount_detached_read_only(path, partition.type, concat(without_replay, ',', root_flags));
    if (root)
      report_.warn(concat(partition.description(),
                          " was not unmounted, and what is read of it may be older than what the guest will see: ",
                          replayed.error().message()));
  }
  if (!root) return std::unexpected(root.error());
  return std::make_unique<sys::MountedTree>(*std::move(root), volume_of(partition));
}

}  // namespace vhdboot::stage
