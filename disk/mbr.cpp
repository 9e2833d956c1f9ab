// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/mbr.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::disk {

namespace {

// UEFI 2.10, table 5.1: offsets in the first sector.
constexpr std::size_t kSignature = 440;  // u32
constexpr std::size_t kEntries = 446;
constexpr std::size_t kEntryBytes = 16;
constexpr std::size_t kMagic = 510;  // u16
constexpr std::uint16_t kMagicValue = 0xAA55;

// UEFI 2.10, table 5.2: offsets in an entry.
constexpr std::size_t kBootIndicator = 0;  // u8
constexpr std::size_t kType = 4;           // u8
constexpr std::size_t kFirst = 8;          // u32
constexpr std::size_t kCount = 12;         // u32

constexpr unsigned kSlots = 4;
constexpr std::uint8_t kGptType = 0xEE;
constexpr std::uint8_t kActive = 0x80;
constexpr std::uint32_t kAnySize = 0xFFFFFFFF;  // of a protective MBR

using Sector = std::array<std::byte, kSectorSize>;

constexpr bool is_extended(std::uint8_t type) {
  return type == 0x05 || type == 0x0F || type == 0x85;
}

bool has_magic(const Sector& sector) {
  return load_le<std::uint16_t>(sector, kMagic) == kMagicValue;
}

/// The boot sector of a file system has code or text where a table has this flag.
bool has_plausible_flag(const Sector& sector, unsigned slot) {
  const auto flag = *load_le<std::uint8_t>(sector, kEntries + (slot - 1) * kEntryBytes + kBootIndicator);
  return flag == 0 || flag == kActive;
}

MbrEntry read_entry(const Sector& sector, unsigned slot) {
  const auto at = kEntries + (slot - 1) * kEntryBytes;
  return {.slot = slot,
          .type = *load_le<std::uint8_t>(sector, at + kType),
          .first = *load_le<std::uint32_t>(sector, at + kFirst),
          .blocks = *load_le<std::uint32_t>(sector, at + kCount)};
}

/// The first sector of the disk when it ends as a boot sector does.
Result<std::optional<Sector>> read_boot_sector(const ByteSource& disk) {
  Sector sector{};
  if (disk.size() < sector.size()) return std::nullopt;
  TRY_IN("reading the partition table", disk.read(0, sector));
  if (!has_magic(sector)) return std::nullopt;
  return sector;
}

/// The boot sector of a file system ends in the same two bytes.
bool names_file_system(const Sector& sector) {
  const auto text = as_text(sector);
  for (const std::string_view oem : {"NTFS    ", "EXFAT   ", "-FVE-FS-"})
    if (text.substr(3, oem.size()) == oem) return true;
  return text.substr(54, 3) == "FAT" || text.substr(82, 5) == "FAT32";
}

/// Reads the chain of tables within one extended partition.
class Chain {
 public:
  Chain(const ByteSource& disk, std::uint32_t logical_block, ListedPartitions& out, unsigned& next)
      : disk_(disk), block_(logical_block), out_(out), next_(next) {}

  Result<void> follow(const MbrEntry& extended, std::uint32_t signature) {
    const std::uint64_t first = extended.first;
    std::uint64_t at = first;
    std::uint64_t size = extended.blocks;
    std::vector<std::uint64_t> seen;
    while (next_ <= kMaxPartitions) {
      if (std::ranges::find(seen, at) != seen.end() || seen.size() == kMaxPartitions) {
        out_.warnings.emplace_back("the logical partitions go round in a circle");
        return {};
      }
      seen.push_back(at);
      if (at >= disk_.size() / block_) {
        out_.warnings.push_back(concat("logical partitions from block ", at, " on lie past the end of the disk"));
        return {};
      }
      Sector sector{};
      TRY_IN("reading the logical partitions", disk_.read(at * block_, sector));
      if (!has_magic(sector)) return {};
      std::optional<MbrEntry> link;
      for (unsigned slot = 1; slot <= kSlots; ++slot) {
        const auto entry = read_entry(sector, slot);
        if (entry.blocks == 0) continue;
        if (is_extended(entry.type)) {
          if (!link) link = entry;
          continue;
        }
        const auto start = at + entry.first;
        // The third and fourth entries sometimes hold garbage.
        if (slot > 2 && (std::uint64_t{entry.first} + entry.blocks > size || start < first ||
                         start + entry.blocks > first + extended.blocks))
          continue;
        if (next_ > kMaxPartitions) return {};
        add(next_++, start, entry, signature);
      }
      if (!link) return {};
      at = first + link->first;
      size = link->blocks;
    }
    return {};
  }

  /// Numbers count also for what lies outside of the disk.
  void add(unsigned number, std::uint64_t first, const MbrEntry& entry, std::uint32_t signature) {
    const auto blocks = disk_.size() / block_;
    if (first >= blocks) {
      out_.warnings.push_back(concat("partition ", number, " begins past the end of the disk: it is left out"));
      return;
    }
    const auto length = std::min<std::uint64_t>(entry.blocks, blocks - first);
    if (length < entry.blocks)
      out_.warnings.push_back(concat("partition ", number, " reaches past the end of the disk: it is cut off there"));
    out_.partitions.push_back({.number = number,
                               .start = first * block_,
                               .length = length * block_,
                               .mbr_type = entry.type,
                               .partuuid = concat(to_hex(signature, 8), '-', to_hex(number, 2))});
  }

 private:
  const ByteSource& disk_;
  std::uint32_t block_;
  ListedPartitions& out_;
  unsigned& next_;
};

}  // namespace

Result<Mbr> read_mbr(const ByteSource& disk) {
  Mbr mbr;
  const auto found = TRY(read_boot_sector(disk));
  if (!found) return mbr;
  const Sector& sector = *found;
  bool plausible = true;
  for (unsigned slot = 1; slot <= kSlots; ++slot) {
    const auto entry = read_entry(sector, slot);
    plausible = plausible && has_plausible_flag(sector, slot);
    // UEFI 2.10, 5.2.3: whatever else it holds, an entry of this type from block 1 on makes it a protective MBR.
    if (entry.type == kGptType && entry.first == 1) mbr.protective = true;
    if (entry.blocks != 0) mbr.entries.push_back(entry);
  }
  mbr.signature = *load_le<std::uint32_t>(sector, kSignature);
  const bool file_system = names_file_system(sector) && (mbr.entries.empty() || !plausible);
  mbr.present = mbr.protective || (plausible && !file_system);
  if (!mbr.present) mbr.entries.clear();
  return mbr;
}

Result<ListedPartitions> read_mbr_partitions(const ByteSource& disk, const Mbr& mbr, std::uint32_t logical_block) {
  ListedPartitions out;
  unsigned next = 5;
  Chain chain(disk, logical_block, out, next);
  for (const auto& entry : mbr.entries) {
    if (is_extended(entry.type))
      TRY(chain.follow(entry, mbr.signature));
    else
      chain.add(entry.slot, entry.first, entry, mbr.signature);
  }
  std::ranges::sort(out.partitions, {}, &Partition::number);
  return out;
}

Result<std::uint64_t> mbr_partitions_end(const ByteSource& disk) {
  const auto sector = TRY(read_boot_sector(disk));
  if (!sector) return 0;
  std::uint64_t end = 0;
  for (unsigned slot = 1; slot <= kSlots; ++slot) {
    const auto entry = read_entry(*sector, slot);
    if (!has_plausible_flag(*sector, slot) || entry.type == kGptType) return 0;
    if (entry.type == 0) continue;
    if (entry.first == 0 || entry.blocks == 0) return 0;
    end = std::max(end, (std::uint64_t{entry.first} + entry.blocks) * kSectorSize);
  }
  return end;
}

Result<std::optional<Sector>> resized_protective_mbr(const ByteSource& disk, std::uint64_t blocks) {
  auto sector = TRY(read_boot_sector(disk));
  if (!sector) return std::nullopt;
  const auto protective = read_entry(*sector, 1);
  const auto wanted = static_cast<std::uint32_t>(std::min<std::uint64_t>(blocks - 1, kAnySize));
  if (protective.type != kGptType || protective.first != 1) return std::nullopt;
  if (protective.blocks == wanted || protective.blocks == kAnySize) return std::nullopt;
  for (unsigned slot = 2; slot <= kSlots; ++slot)
    if (read_entry(*sector, slot).type != 0) return std::nullopt;
  static_cast<void>(store_le<std::uint32_t>(*sector, kEntries + kCount, wanted));
  return sector;
}

}  // namespace vhdboot::disk
