// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/root_option.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "disk/selector.h"

namespace vhdboot::entry {
namespace {

// By the names of libblkid.
constexpr std::array<std::string_view, 13> kContainers{
    "crypto_LUKS", "LVM2_member",  "LVM1_member", "linux_raid_member", "zfs_member",
    "bcache",      "stratis",      "BitLocker",   "isw_raid_member",   "ddf_raid_member",
    "drbd",        "DM_integrity", "VDO"};

bool holds_more(const disk::GuestPartition& partition) {
  return std::ranges::find(kContainers, partition.type) != kContainers.end();
}

}  // namespace

bool may_hold_root(const disk::GuestDisk& disk, const std::string& root_option) {
  // A partition counted from another one, or a name with escapes.
  if (root_option.contains("/PARTNROFF=") || root_option.contains('\\')) return true;
  const auto selector = disk::device_selector(root_option);
  if (!selector) return true;
  return std::ranges::any_of(disk.partitions(), [&](const disk::GuestPartition& partition) {
    return partition.unread || holds_more(partition) || matches(*selector, partition.identity);
  });
}

}  // namespace vhdboot::entry
