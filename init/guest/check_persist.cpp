// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/check_persist.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "entry/fstab.h"

namespace vhdboot::guest {
namespace {

Result<void> check_apart(const disk::Identity& one, const disk::Identity& other, std::string_view name) {
  const auto same = [](const std::string& a, const std::string& b) { return !a.empty() && a == b; };
  if (!same(one.uuid, other.uuid) && !same(one.partuuid, other.partuuid) && !same(one.label, other.label)) return {};
  return fail(Code::Unsafe,
              concat("it has the UUID or label of ", name, ": give it others, with `tune2fs -U random -L keep`"));
}

}  // namespace

Result<unsigned> persist_partition(const disk::PartitionTable& table) {
  if (table.scheme == disk::Scheme::None) return 0U;
  if (table.partitions.size() == 1) return table.partitions.front().number;
  return fail(Code::Unsupported, "it must have one file system, on its only partition or without a partition table");
}

Result<void> check_persist_type(std::string_view type) {
  constexpr std::array<std::string_view, 7> kFileSystems{"btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "xfs"};
  if (std::ranges::find(kFileSystems, type) != kFileSystems.end()) return {};
  return fail(Code::Unsupported, concat("it holds ", type.empty() ? "nothing" : printable(type),
                                        ", and no file system that keeps what a guest has: make one in it, with "
                                        "`mkfs.ext4 -E nodiscard`"));
}

Result<void> check_persist(const disk::GuestDisk& persist, const disk::GuestDisk& own,
                           const std::vector<PresentDevice>& further) {
  (void)TRY(persist_partition(persist.table()));
  for (const disk::GuestPartition& one : persist.partitions()) {
    TRY(check_persist_type(one.type));
    for (const disk::GuestPartition& other : own.partitions())
      TRY(check_apart(one.identity, other.identity, other.description()));
    for (const PresentDevice& other : further) TRY(check_apart(one.identity, other.identity, other.path));
  }
  return {};
}

Result<void> check_persist_paths(std::string_view paths, const RootTables& tables) {
  if (tables.has_other_init)
    return fail(Code::Unsupported, "`persist` needs a guest with systemd, and the init of this one is another");
  for (const std::string_view path : split_words(paths))
    if (entry::find_mount(tables.fstab, path) != nullptr)
      return fail(Code::Unsupported, concat("`persist-paths` names ", path,
                                            ", where the guest's fstab mounts something: use `keep` for a partition"));
  return {};
}

}  // namespace vhdboot::guest
