// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/partition_table.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "base/units.h"
#include "disk/gpt.h"
#include "disk/mbr.h"

namespace vhdboot::disk {

namespace {

constexpr std::string_view kRepair = "repair it in the guest with `sgdisk -e`, or `gdisk` and w";

/// All that is known of a disk when its blocks have `block` bytes.
struct Look {
  std::uint32_t block = 512;
  GptCopy primary;
};

PartitionTable from_gpt(const ByteSource& disk, const GptCopy& copy) {
  auto listed = list_gpt_partitions(copy, disk.size() / copy.block);
  const auto id = to_text(copy.disk_guid);
  return {.scheme = Scheme::Gpt,
          .logical_block = copy.block,
          .disk_id = {id.begin(), id.end()},
          .partitions = std::move(listed.partitions),
          .warnings = std::move(listed.warnings)};
}

void mark_unseen(PartitionTable& table, std::string why) {
  table.warnings.push_back(why);
  table.unseen = std::move(why);
}

Result<PartitionTable> from_mbr(const ByteSource& disk, const Mbr& mbr, std::uint32_t block) {
  auto logical = TRY(read_mbr_partitions(disk, mbr, block));
  PartitionTable table{.scheme = Scheme::Mbr,
                       .logical_block = block,
                       .disk_id = to_hex(mbr.signature, 8),
                       .partitions = std::move(logical.partitions),
                       .warnings = std::move(logical.warnings)};
  constexpr std::uint8_t kGptType = 0xEE;
  if (std::ranges::find(mbr.entries, kGptType, &MbrEntry::type) != mbr.entries.end())
    mark_unseen(table,
                "its MBR has the entry of a GPT (0xEE) that does not begin at block 1, and Linux looks at neither "
                "table: write a protective MBR with `gdisk`, x, n and w");
  return table;
}

/// The primary GPT holds: does the kernel look at it?
PartitionTable with_primary(const ByteSource& disk, const GptCopy& primary, const Mbr& mbr) {
  auto table = from_gpt(disk, primary);
  if (!mbr.protective)
    mark_unseen(table,
                "there is no protective MBR, and Linux does not look at a GPT without one: write one with `gdisk`, "
                "x, n and w");
  else if (std::string why = why_unseen(primary, disk.size() / primary.block); !why.empty())
    mark_unseen(table, std::move(why));
  return table;
}

}  // namespace

Result<PartitionTable> read_partition_table(const ByteSource& disk, std::optional<std::uint32_t> logical_block) {
  const Mbr mbr = TRY(read_mbr(disk));
  std::vector<Look> looks;
  for (const std::uint32_t block : {512U, 4096U}) {
    if (logical_block && *logical_block != block) continue;
    looks.push_back({.block = block, .primary = TRY(read_gpt_copy(disk, block, 1))});
  }
  const bool mbr_rules = mbr.present && !mbr.protective && !mbr.entries.empty();
  if (!mbr_rules) {
    for (const auto& look : looks)
      if (look.primary.state == GptCopy::State::Good) return with_primary(disk, look.primary, mbr);
    for (const auto& look : looks) {
      const bool damaged = look.primary.state == GptCopy::State::Damaged;
      if (!damaged && !mbr.protective) continue;
      const auto blocks = disk.size() / look.block;
      if (blocks < 2) continue;
      const auto backup = TRY(read_gpt_copy(disk, look.block, blocks - 1));
      if (backup.state == GptCopy::State::Good) {
        auto table = from_gpt(disk, backup);
        table.backup_used = true;
        mark_unseen(table, concat("the GPT at the start of the disk is damaged (", look.primary.damage,
                                  "), read from the copy at its end, which Linux does not do: ", kRepair));
        return table;
      }
    }
  }
  for (const auto& look : looks) {
    if (mbr_rules || look.primary.state != GptCopy::State::Damaged) continue;
    return fail(Code::Corrupt, concat("the GPT is damaged (", look.primary.damage,
                                      ") and there is no good copy of it at the end of the disk: ", kRepair));
  }
  if (mbr.protective)
    return fail(Code::Corrupt, "the disk has a protective MBR but no GPT: its partition table was overwritten");
  if (mbr.present) {
    auto table = TRY(from_mbr(disk, mbr, logical_block.value_or(512)));
    if (std::ranges::any_of(looks, [](const Look& look) { return look.primary.state == GptCopy::State::Good; }))
      table.warnings.emplace_back("an old GPT is on the disk, too; the MBR is the one that counts");
    return table;
  }
  return PartitionTable{.logical_block = logical_block.value_or(512)};
}

const Partition* find_by_type(const PartitionTable& table, const Guid& type) {
  if (table.scheme != Scheme::Gpt) return nullptr;
  const auto found = std::ranges::find(table.partitions, type, &Partition::type);
  return found == table.partitions.end() ? nullptr : &*found;
}

namespace {

bool is_of_type(const PartitionTable& table, const Partition& partition, const Guid& gpt, std::uint8_t mbr) {
  return table.scheme == Scheme::Gpt ? partition.type == gpt : partition.mbr_type == mbr;
}

const Partition* find_first(const PartitionTable& table, bool (*is)(const PartitionTable&, const Partition&)) {
  const auto found = std::ranges::find_if(table.partitions, [&](const Partition& one) { return is(table, one); });
  return found == table.partitions.end() ? nullptr : &*found;
}

}  // namespace

bool is_esp(const PartitionTable& table, const Partition& partition) {
  constexpr std::uint8_t kMbrEsp = 0xEF;
  return is_of_type(table, partition, kEspType, kMbrEsp);
}

bool is_xbootldr(const PartitionTable& table, const Partition& partition) {
  constexpr std::uint8_t kMbrXbootldr = 0xEA;
  return is_of_type(table, partition, kXbootldrType, kMbrXbootldr);
}

const Partition* find_esp(const PartitionTable& table) {
  return find_first(table, &is_esp);
}

const Partition* find_xbootldr(const PartitionTable& table) {
  return find_first(table, &is_xbootldr);
}

const Partition* find_by_number(const PartitionTable& table, unsigned number) {
  const auto found = std::ranges::find(table.partitions, number, &Partition::number);
  return found == table.partitions.end() ? nullptr : &*found;
}

const Partition* find_by_partuuid(const PartitionTable& table, std::string_view partuuid) {
  const auto found = std::ranges::find_if(table.partitions, [partuuid](const Partition& partition) {
    return equals_ignoring_ascii_case(partition.partuuid, partuuid);
  });
  return found == table.partitions.end() ? nullptr : &*found;
}

}  // namespace vhdboot::disk
