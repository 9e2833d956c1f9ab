// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/attached_guest_disk.h"

#include "base/text.h"
#include "init/sys/block.h"
#include "init/sys/mount.h"
#include "init/sys/mounted_tree.h"

namespace vhdboot::stage {

AttachedGuestDisk::AttachedGuestDisk(const sys::LoopDevice& disk, const disk::PartitionTable& table)
    : GuestDisk(table) {
  const auto look_at = [&](const disk::Partition* entry, const std::string& name) {
    const auto device = sys::block_device(name);
    if (!device) return;
    sys::Content content = sys::identify(*device);
    add({.entry = entry,
         .device = device->name,
         .type = std::move(content.type),
         .identity = std::move(content.identity)});
  };
  if (table.scheme == disk::Scheme::None) look_at(nullptr, disk.name());
  for (const disk::Partition& entry : table.partitions) look_at(&entry, concat(disk.name(), 'p', entry.number));
}

Result<std::unique_ptr<disk::FileTree>> AttachedGuestDisk::open_files(const disk::GuestPartition& partition,
                                                                      const std::string& root_flags) {
  const std::string path = concat("/dev/", partition.device);
  const auto options = disk::guest_mount_options(partition.type).value_or("");
  // The second without options: an old file system may know none of them.
  auto root = sys::mount_detached_read_only(path, partition.type, concat(options, ',', root_flags));
  if (!root) root = sys::mount_detached_read_only(path, partition.type, root_flags);
  if (!root) return std::unexpected(root.error());
  return std::make_unique<sys::MountedTree>(*std::move(root));
}

}  // namespace vhdboot::stage
