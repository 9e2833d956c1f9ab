// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/guest_disk.h"

#include <algorithm>
#include <cerrno>

#include "base/text.h"

namespace vhdboot::disk {
namespace {

struct MountableType {
  std::string_view type;
  std::string_view options;
};
constexpr std::array kMountableTypes{MountableType{"ext4", "noload"},
                                     MountableType{"ext3", "noload"},
                                     MountableType{"ext2", ""},
                                     MountableType{"xfs", "norecovery"},
                                     MountableType{"f2fs", "norecovery"},
                                     MountableType{"jfs", ""},
                                     MountableType{"btrfs", "rescue=nologreplay"},
                                     MountableType{"vfat", ""},
                                     MountableType{"erofs", ""}};

}  // namespace

std::optional<std::string_view> guest_mount_options(std::string_view type) {
  const auto known = std::ranges::find(kMountableTypes, type, &MountableType::type);
  return known == kMountableTypes.end() ? std::nullopt : std::optional(known->options);
}

std::string GuestPartition::description() const {
  if (!volume.empty()) return concat("the logical volume ", printable(group), '/', printable(volume));
  return entry == nullptr ? "the guest disk" : concat("partition ", entry->number, " of the guest disk");
}

const GuestPartition* GuestDisk::find(const Partition* entry) const {
  if (entry == nullptr) return nullptr;
  const auto found = std::ranges::find(partitions_, entry, &GuestPartition::entry);
  return found == partitions_.end() ? nullptr : &*found;
}

Result<GuestTree> GuestDisk::mount(const GuestPartition& partition, const std::string& root_flags) {
  const std::string& type = partition.type;
  const std::string flags = type == "btrfs" ? root_flags : "";
  const auto known = std::ranges::find_if(
      mounted_, [&](const Mounted& mounted) { return mounted.partition == &partition && mounted.root_flags == flags; });
  if (known != mounted_.end()) return GuestTree(partition, *known->files);
  if (!guest_mount_options(type))
    return fail(Code::Unsupported,
                concat(partition.description(),
                       type.empty() ? " holds no file system that is known" : concat(" holds ", printable(type)),
                       ", which the boot kernel does not read"));
  auto files = open_files(partition, flags);
  if (!files && files.error().sys_errno == ENOENT && flags.contains("subvol="))
    return fail(Code::NotFound, concat(partition.description(), " has no ", printable(flags)));
  if (!files) return std::unexpected(std::move(files).error().within(partition.description()));
  mounted_.push_back({&partition, flags, *std::move(files)});
  return GuestTree(partition, *mounted_.back().files);
}

}  // namespace vhdboot::disk
