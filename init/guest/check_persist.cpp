// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/check_persist.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "entry/fstab.h"

namespace vhdboot::guest {
namespace {

constexpr std::array<std::string_view, 7> kFileSystems{"btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "xfs"};

}  // namespace

Result<unsigned> persist_partition(const disk::PartitionTable& table) {
  if (table.scheme == disk::Scheme::None) return 0U;
  if (table.partitions.size() == 1) return table.partitions.front().number;
  return fail(Code::Unsupported, concat("it has ", table.partitions.size(),
                                        " partitions: give it one file system, on one partition or without a table"));
}

Result<void> check_persist_type(std::string_view type) {
  constexpr std::string_view kCure = ": make one in it, with `mkfs.ext4 -E nodiscard`";
  if (type.empty()) return fail(Code::Unsupported, concat("it holds no file system", kCure));
  if (std::ranges::find(kFileSystems, type) != kFileSystems.end()) return {};
  return fail(Code::Unsupported,
              concat("it holds ", printable(type), ", and no file system that keeps what a guest has", kCure));
}

Result<void> check_no_twin(const disk::Identity& persist, const disk::GuestDisk& disk) {
  const auto same = [](const std::string& one, const std::string& other) { return !one.empty() && one == other; };
  for (const disk::GuestPartition& partition : disk.partitions()) {
    const disk::Identity& own = partition.identity;
    if (same(own.uuid, persist.uuid) || same(own.partuuid, persist.partuuid) || same(own.label, persist.label))
      return fail(Code::Unsafe,
                  concat("the image of `persist` has the UUID or label of ", partition.description(),
                         ", and the guest may take one for the other: give it others (tune2fs -U random -L keep)"));
  }
  return {};
}

Result<void> check_persist_paths(const std::vector<std::string>& paths, const RootTables& tables) {
  if (tables.has_other_init)
    return fail(
        Code::Unsupported,
        "`persist` needs a guest with systemd, and the init of this one is another: use `keep` for a partition");
  for (const std::string& path : paths)
    if (const entry::FstabEntry* taken = entry::find_mount(tables.fstab, path))
      return fail(Code::Unsupported,
                  concat("`persist-paths` names ", path, ", where the guest's fstab mounts ", printable(taken->spec),
                         ": keep that partition with `keep`, or take the line out of the fstab"));
  return {};
}

}  // namespace vhdboot::guest
