// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/kept_partitions.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/text.h"
#include "base/units.h"

namespace vhdboot::guest {
namespace {

constexpr std::uint64_t kExtSuper = 1024;
constexpr std::uint64_t kBtrfsSuper = 64 * kKiB;

// Whether what is on a partition ends with it. Where the fields lie: ext4 in Linux'
// Documentation/filesystems/ext4/super.rst, XFS in fs/xfs/libxfs/xfs_format.h, btrfs in linux/btrfs_tree.h.
Result<bool> stands_alone(const disk::GuestDisk& disk, const disk::GuestPartition& partition) {
  const std::string& type = partition.type;
  std::array<std::byte, 512> super{};
  if (type == "ext2" || type == "ext3" || type == "ext4") {
    constexpr std::size_t kJournalDevice = 0xE4;
    TRY(disk.read(partition, kExtSuper, super));
    return load_le<std::uint32_t>(super, kJournalDevice) == 0U;
  }
  if (type == "xfs") {
    constexpr std::size_t kRealtimeBlocks = 16;
    constexpr std::size_t kLogStart = 48;
    TRY(disk.read(partition, 0, super));
    return load_be<std::uint64_t>(super, kLogStart) != 0U && load_be<std::uint64_t>(super, kRealtimeBlocks) == 0U;
  }
  if (type == "btrfs") {
    constexpr std::size_t kDevices = 0x88;
    TRY(disk.read(partition, kBtrfsSuper, super));
    return load_le<std::uint64_t>(super, kDevices) == 1U;
  }
  constexpr Guid kBiosBootType = "21686148-6449-6e6f-744e-656564454649"_guid;
  constexpr std::array<std::string_view, 4> kAlone{"vfat", "exfat", "ntfs", "swap"};
  return partition.entry->type == kBiosBootType || std::ranges::find(kAlone, type) != kAlone.end();
}

Result<const disk::GuestPartition*> find(const disk::GuestDisk& disk, const disk::Selector& selector) {
  const disk::GuestPartition* found = nullptr;
  for (const disk::GuestPartition& partition : disk.partitions()) {
    if (partition.entry == nullptr || !matches(selector, partition.identity)) continue;
    if (found != nullptr)
      return fail(Code::Invalid, concat("two partitions are ", to_text(selector), ": ", found->description(), " and ",
                                        partition.description()));
    found = &partition;
  }
  // It is the image that is meant: nobody is to look for another one.
  if (found == nullptr) return fail(Code::Invalid, concat("no partition of the guest disk is ", to_text(selector)));
  return found;
}

Range range_of(const disk::Partition& partition) {
  return {.offset = partition.start, .length = partition.length};
}

bool share_bytes(const Range& one, const Range& other) {
  return one.offset < other.end() && other.offset < one.end();
}

// A GPT has its header and 16 KiB of entries at least at both ends (UEFI 2.10, 5.3.1), an MBR the first sector.
bool reaches_table(const disk::PartitionTable& table, const Range& range, std::uint64_t disk_size) {
  if (table.scheme != disk::Scheme::Gpt) return range.offset < kSectorSize;
  const std::uint64_t copy = table.logical_block + 16 * kKiB;
  return range.offset < table.logical_block + copy || range.end() + copy > disk_size;
}

Result<void> check_own_bytes(const disk::PartitionTable& table, const disk::GuestPartition& partition,
                             std::uint64_t disk_size) {
  const Range range = range_of(*partition.entry);
  const bool is_shared = std::ranges::any_of(table.partitions, [&](const disk::Partition& other) {
    return other.number != partition.entry->number && share_bytes(range, range_of(other));
  });
  if (!is_shared && !reaches_table(table, range, disk_size)) return {};
  return fail(Code::Unsupported, concat(partition.description(), " shares bytes with ",
                                        is_shared ? "another one" : "the partition table", ", and cannot be kept"));
}

std::string with_type(const disk::GuestPartition& partition) {
  return concat(partition.description(), " (", partition.type.empty() ? "unknown" : printable(partition.type), ')');
}

}  // namespace

Result<std::vector<Range>> kept_partitions(const disk::GuestDisk& disk, std::uint64_t disk_size,
                                           std::span<const disk::Selector> selectors) {
  std::vector<Range> kept;
  for (const disk::Selector& selector : selectors) {
    const disk::GuestPartition& partition = *TRY_IN("`keep`", find(disk, selector));
    TRY_IN("`keep`", check_own_bytes(disk.table(), partition, disk_size));
    const Range range = range_of(*partition.entry);
    if (std::ranges::find(kept, range) == kept.end()) kept.push_back(range);
  }
  std::ranges::sort(kept, {}, &Range::offset);
  if (kept.empty()) return kept;

  const disk::GuestPartition* remembers = nullptr;
  const disk::GuestPartition* forgets = nullptr;
  for (const disk::GuestPartition& partition : disk.partitions()) {
    if (partition.entry == nullptr || TRY_IN(partition.description(), stands_alone(disk, partition))) continue;
    const bool is_kept = std::ranges::find(kept, range_of(*partition.entry)) != kept.end();
    (is_kept ? remembers : forgets) = &partition;
  }
  if (remembers == nullptr || forgets == nullptr) return kept;
  return fail(Code::Unsupported, concat("`keep` may tear apart what is on ", with_type(*remembers), " and on ",
                                        with_type(*forgets), ", which may be parts of one: keep both, or neither"));
}

}  // namespace vhdboot::guest
