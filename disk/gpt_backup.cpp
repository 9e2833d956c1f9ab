// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/gpt_backup.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/bytes.h"
#include "base/crc32.h"
#include "base/text.h"
#include "base/units.h"

namespace vhdboot::disk {
namespace {

constexpr std::string_view kSignature = "EFI PART";
constexpr std::uint64_t kMaxEntriesSize = kMiB;
// No disk that fits a VHD has as many blocks; below it no product of a block number and a block size overflows.
constexpr std::uint64_t kMaxLba = std::uint64_t{1} << 50;

// Offsets in the header (UEFI 2.10, table 5.5) and in an entry (table 5.6).
namespace at {
constexpr std::size_t kHeaderSize = 12;
constexpr std::size_t kHeaderCrc = 16;
constexpr std::size_t kMyLba = 24;
constexpr std::size_t kAlternateLba = 32;
constexpr std::size_t kFirstUsable = 40;
constexpr std::size_t kLastUsable = 48;
constexpr std::size_t kEntriesLba = 72;
constexpr std::size_t kEntryCount = 80;
constexpr std::size_t kEntrySize = 84;
constexpr std::size_t kEntriesCrc = 88;
constexpr std::size_t kEntryFirst = 32;
constexpr std::size_t kEntryLast = 40;
}  // namespace at
constexpr std::uint32_t kLeastHeaderSize = 92;

// A field of a header or entry whose length has been checked.
template <class T>
T field(Bytes bytes, std::size_t offset) {
  return load_le<T>(bytes, offset).value_or(0);
}

std::uint32_t header_crc(Bytes header) {
  std::vector<std::byte> copy(header.begin(), header.begin() + field<std::uint32_t>(header, at::kHeaderSize));
  std::fill_n(copy.begin() + at::kHeaderCrc, 4, std::byte{0});
  return crc32(copy);
}

std::unexpected<Error> damaged(std::string_view what) {
  return fail(Code::Corrupt, concat("the primary partition table (GPT) is damaged: ", what,
                                    "; repair it first, for example with `gdisk` (it can use the backup table)"));
}

// The end of the last partition in `entries`, in blocks; Corrupt when one lies outside [first_usable, last_usable].
Result<std::uint64_t> last_partition_end(Bytes entries, std::uint32_t count, std::uint32_t size, Bytes header) {
  std::uint64_t end = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Bytes entry = entries.subspan(std::size_t{i} * size, size);
    if (std::ranges::all_of(entry.first(16), [](std::byte b) { return b == std::byte{0}; })) continue;
    const auto first = field<std::uint64_t>(entry, at::kEntryFirst);
    const auto last = field<std::uint64_t>(entry, at::kEntryLast);
    if (first > last || first < field<std::uint64_t>(header, at::kFirstUsable) ||
        last > field<std::uint64_t>(header, at::kLastUsable))
      return damaged(concat("partition ", i + 1, " lies outside the room for partitions"));
    end = std::max(end, last + 1);
  }
  return end;
}

Result<std::optional<Gpt>> read_gpt_of_block(const ByteSource& disk, std::uint32_t block) {
  if (disk.size() < 2 * std::uint64_t{block}) return std::nullopt;
  Gpt gpt;
  gpt.block = block;
  gpt.header.resize(block);
  TRY_IN("reading the partition table", disk.read(block, gpt.header));
  const Bytes header = gpt.header;
  if (!as_text(header).starts_with(kSignature)) return std::nullopt;

  const auto header_size = field<std::uint32_t>(header, at::kHeaderSize);
  if (header_size < kLeastHeaderSize || header_size > block) return damaged("its header names an impossible size");
  if (header_crc(header) != field<std::uint32_t>(header, at::kHeaderCrc))
    return damaged("its header's checksum is wrong");
  gpt.alternate_lba = field<std::uint64_t>(header, at::kAlternateLba);
  const auto first_usable = field<std::uint64_t>(header, at::kFirstUsable);
  const auto last_usable = field<std::uint64_t>(header, at::kLastUsable);
  const auto entries_lba = field<std::uint64_t>(header, at::kEntriesLba);
  if (field<std::uint64_t>(header, at::kMyLba) != 1 || gpt.alternate_lba > kMaxLba ||
      last_usable >= gpt.alternate_lba || first_usable > last_usable || entries_lba < 2 || entries_lba >= first_usable)
    return damaged("its header contradicts itself");

  const auto count = field<std::uint32_t>(header, at::kEntryCount);
  const auto entry_size = field<std::uint32_t>(header, at::kEntrySize);
  const std::uint64_t entries_size = std::uint64_t{count} * entry_size;
  if (entry_size < 128 || entry_size % 8 != 0 || count == 0 || entries_size > kMaxEntriesSize)
    return damaged(concat("it has ", count, " entries of ", entry_size, " bytes"));
  gpt.entries.resize(static_cast<std::size_t>(align_up(entries_size, block)));
  if (entries_lba * block > disk.size() || gpt.entries.size() > disk.size() - entries_lba * block)
    return damaged("its entries lie past the end of the disk");
  TRY_IN("reading the partition table", disk.read(entries_lba * block, gpt.entries));
  const Bytes entries = Bytes(gpt.entries).first(static_cast<std::size_t>(entries_size));
  if (crc32(entries) != field<std::uint32_t>(header, at::kEntriesCrc)) return damaged("its entries' checksum is wrong");
  gpt.partitions_end = TRY(last_partition_end(entries, count, entry_size, header)) * block;
  return gpt;
}

// The geometry of a table on a disk of another size.
struct Layout {
  std::uint64_t alternate_lba;
  std::uint64_t backup_entries_lba;
  [[nodiscard]] std::uint64_t last_usable() const { return backup_entries_lba - 1; }
};

std::uint64_t last_block(const Gpt& gpt, std::uint64_t payload_size) {
  return payload_size / gpt.block - 1;
}

std::vector<std::byte> with_crc(std::vector<std::byte> header) {
  static_cast<void>(store_le<std::uint32_t>(header, at::kHeaderCrc, header_crc(header)));
  return header;
}

std::vector<std::byte> primary_header(const Gpt& gpt, const Layout& layout) {
  auto header = gpt.header;
  static_cast<void>(store_le<std::uint64_t>(header, at::kAlternateLba, layout.alternate_lba));
  static_cast<void>(store_le<std::uint64_t>(header, at::kLastUsable, layout.last_usable()));
  return with_crc(std::move(header));
}

std::vector<std::byte> backup_header(const Gpt& gpt, const Layout& layout) {
  auto header = gpt.header;
  static_cast<void>(store_le<std::uint64_t>(header, at::kMyLba, layout.alternate_lba));
  static_cast<void>(store_le<std::uint64_t>(header, at::kAlternateLba, std::uint64_t{1}));
  static_cast<void>(store_le<std::uint64_t>(header, at::kLastUsable, layout.last_usable()));
  static_cast<void>(store_le<std::uint64_t>(header, at::kEntriesLba, layout.backup_entries_lba));
  return with_crc(std::move(header));
}

// MBR (UEFI 2.10, 5.2.1): four entries of 16 bytes at 446, signature 55 AA at 510.
constexpr std::size_t kMbrEntries = 446;
constexpr std::size_t kMbrEntrySize = 16;
constexpr std::byte kProtectiveType{0xEE};
using MbrBytes = std::array<std::byte, 512>;

struct MbrEntry {
  std::byte status{0};
  std::byte type{0};
  std::uint32_t start = 0;
  std::uint32_t count = 0;
};

Result<std::optional<std::array<MbrEntry, 4>>> read_mbr(const ByteSource& disk, MbrBytes& sector) {
  if (disk.size() < sector.size()) return std::nullopt;
  TRY_IN("reading the first sector", disk.read(0, sector));
  if (sector[510] != std::byte{0x55} || sector[511] != std::byte{0xAA}) return std::nullopt;
  std::array<MbrEntry, 4> entries;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Bytes entry = Bytes(sector).subspan(kMbrEntries + i * kMbrEntrySize, kMbrEntrySize);
    entries[i] = {entry[0], entry[4], field<std::uint32_t>(entry, 8), field<std::uint32_t>(entry, 12)};
  }
  return entries;
}

// The write that makes the protective MBR name the new size, if it is one that names a size at all.
Result<std::optional<DiskWrite>> resize_protective_mbr(const ByteSource& disk, std::uint64_t blocks) {
  MbrBytes sector{};
  const auto entries = TRY(read_mbr(disk, sector));
  const auto wanted = static_cast<std::uint32_t>(std::min<std::uint64_t>(blocks - 1, 0xFFFFFFFF));
  if (!entries || (*entries)[0].type != kProtectiveType || (*entries)[0].start != 1) return std::nullopt;
  const std::uint32_t named = (*entries)[0].count;
  if (named == wanted || named == 0xFFFFFFFF) return std::nullopt;
  for (std::size_t i = 1; i < entries->size(); ++i)
    if ((*entries)[i].type != std::byte{0}) return std::nullopt;  // a hybrid MBR is its owner's business
  static_cast<void>(store_le<std::uint32_t>(sector, kMbrEntries + 12, wanted));
  return DiskWrite{0, {sector.begin(), sector.end()}, "protective MBR"};
}

}  // namespace

Result<std::optional<Gpt>> read_gpt(const ByteSource& disk) {
  if (auto gpt = TRY(read_gpt_of_block(disk, 512))) return gpt;
  return read_gpt_of_block(disk, 4096);
}

Result<std::uint64_t> mbr_partitions_end(const ByteSource& disk) {
  MbrBytes sector{};
  const auto entries = TRY(read_mbr(disk, sector));
  if (!entries) return 0;
  std::uint64_t end = 0;
  for (const MbrEntry& entry : *entries) {
    // A boot sector of a file system has code or text here.
    if (entry.status != std::byte{0} && entry.status != std::byte{0x80}) return 0;
    if (entry.type == kProtectiveType) return 0;
    if (entry.type == std::byte{0}) continue;
    if (entry.start == 0 || entry.count == 0) return 0;
    end = std::max(end, (std::uint64_t{entry.start} + entry.count) * kSectorSize);
  }
  return end;
}

bool backup_is_inside(const Gpt& gpt, std::uint64_t payload_size) {
  return gpt.disk_end() / gpt.block < payload_size / gpt.block;
}

Result<std::vector<DiskWrite>> move_backup(const ByteSource& disk, const Gpt& gpt, std::uint64_t payload_size) {
  std::vector<DiskWrite> writes;
  const std::uint64_t entries_blocks = gpt.entries.size() / gpt.block;
  if (payload_size / gpt.block < entries_blocks + 2 ||
      gpt.partitions_end > (last_block(gpt, payload_size) - entries_blocks) * gpt.block)
    return fail(Code::Invalid,
                concat("the disk of ", payload_size, " bytes has no room for its backup partition table"));
  const Layout layout{last_block(gpt, payload_size), last_block(gpt, payload_size) - entries_blocks};
  if (layout.alternate_lba == gpt.alternate_lba) return writes;
  if (layout.last_usable() < field<std::uint64_t>(gpt.header, at::kFirstUsable))
    return fail(Code::Invalid, concat("the disk of ", payload_size, " bytes has no room for any partition"));

  auto backup = gpt.entries;
  const auto header = backup_header(gpt, layout);
  backup.insert(backup.end(), header.begin(), header.end());
  writes.push_back({layout.backup_entries_lba * gpt.block, std::move(backup), "backup partition table"});

  // The old header would be taken for a backup by who searches for one. Its sector belongs to no partition.
  std::vector<std::byte> old(gpt.block);
  const std::uint64_t old_offset = gpt.alternate_lba * gpt.block;
  if (gpt.alternate_lba < layout.backup_entries_lba && gpt.disk_end() <= disk.size()) {
    TRY_IN("reading the backup partition table", disk.read(old_offset, old));
    if (as_text(old).starts_with(kSignature))
      writes.push_back({old_offset, std::vector<std::byte>(gpt.block), "zeros over the old backup header"});
  }
  if (auto mbr = TRY(resize_protective_mbr(disk, payload_size / gpt.block))) writes.push_back(std::move(*mbr));
  writes.push_back({gpt.block, primary_header(gpt, layout), "primary partition table header"});
  return writes;
}

}  // namespace vhdboot::disk
