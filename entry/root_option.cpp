// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/root_option.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/text.h"
#include "base/units.h"
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

// Without a header, as dm-crypt can do; firmware's own partitions are small.
bool is_of_unknown_type(const disk::GuestPartition& partition) {
  constexpr std::uint64_t kLarge = 16 * kMiB;
  return partition.type.empty() && (partition.entry == nullptr || partition.entry->length > kLarge);
}

// A name of what LUKS, LVM, RAID and ZFS make, and nothing else.
bool is_made_of_others(std::string_view root) {
  if (root.starts_with("/dev/md") || root.starts_with("ZFS=") || root.starts_with("zfs:")) return true;
  constexpr std::string_view kDevices = "/dev/";
  if (!root.starts_with(kDevices)) return false;
  const auto parts = split(root.substr(kDevices.size()), '/');
  if (parts.size() != 2 || parts[0] == "block") return false;
  // "vg-root" and "luks-..."; others may be anything.
  return parts[0] != "mapper" || (parts[1].contains('-') && !parts[1].starts_with("live-"));
}

}  // namespace

bool may_hold_root(const disk::GuestDisk& disk, const std::string& root_option) {
  // A partition counted from another one, or a name with escapes.
  if (root_option.contains("/PARTNROFF=") || root_option.contains('\\')) return true;
  if (is_made_of_others(root_option))
    return std::ranges::any_of(disk.partitions(), [](const disk::GuestPartition& partition) {
      return partition.unread || holds_more(partition) || is_of_unknown_type(partition);
    });
  for (const char* nothing : {"UUID=", "PARTUUID=", "LABEL=", "PARTLABEL="})
    if (root_option == nothing) return false;
  const auto selector = disk::device_selector(root_option);
  if (!selector) return true;
  return std::ranges::any_of(disk.partitions(), [&](const disk::GuestPartition& partition) {
    return partition.unread || holds_more(partition) || matches(*selector, partition.identity);
  });
}

std::string missing_luks(const disk::GuestDisk& disk, const kexec::CommandLine& line) {
  if (!line.find("root").value_or("").starts_with("/dev/mapper/")) return {};
  std::string missing;
  for (const std::string_view option : {"rd.luks.uuid", "rd.luks.name", "luks.uuid", "luks.name", "cryptdevice"})
    for (const std::string& value : line.find_all(option)) {
      std::string_view uuid = value;
      const std::string_view before = option == "cryptdevice" ? "UUID=" : "luks-";
      if (uuid.starts_with(before))
        uuid.remove_prefix(before.size());
      else if (option == "cryptdevice")
        return {};
      uuid = uuid.substr(0, uuid.find_first_of("=:"));
      for (const disk::GuestPartition& partition : disk.partitions()) {
        const bool is_other = partition.type != "crypto_LUKS" && holds_more(partition);
        if (is_other || partition.unread || is_of_unknown_type(partition)) return {};
        // dracut takes the beginning of one.
        if (to_lower_ascii(partition.identity.uuid).starts_with(to_lower_ascii(uuid))) return {};
      }
      missing = concat(option, '=', value);
    }
  return missing;
}

}  // namespace vhdboot::entry
