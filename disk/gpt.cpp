// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/gpt.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/crc32.h"
#include "base/text.h"
#include "base/units.h"
#include "disk/mbr.h"

namespace vhdboot::disk {

namespace {

constexpr std::string_view kSignature = "EFI PART";

// UEFI 2.10, table 5.5: offsets in the header, all that a header has at least.
namespace header_at {
constexpr std::size_t kHeaderSize = 12;    // u32
constexpr std::size_t kHeaderCrc = 16;     // u32
constexpr std::size_t kMyLba = 24;         // u64
constexpr std::size_t kAlternateLba = 32;  // u64
constexpr std::size_t kFirstUsable = 40;   // u64
constexpr std::size_t kLastUsable = 48;    // u64
constexpr std::size_t kDiskGuid = 56;
constexpr std::size_t kEntriesLba = 72;  // u64
constexpr std::size_t kEntryCount = 80;  // u32
constexpr std::size_t kEntrySize = 84;   // u32
constexpr std::size_t kEntriesCrc = 88;  // u32
constexpr std::uint32_t kEnd = 92;
}  // namespace header_at

// UEFI 2.10, table 5.6: offsets in an entry.
namespace entry_at {
constexpr std::size_t kType = 0;
constexpr std::size_t kUnique = 16;
constexpr std::size_t kFirst = 32;       // u64
constexpr std::size_t kLast = 40;        // u64, the last block itself
constexpr std::size_t kAttributes = 48;  // u64
constexpr std::size_t kName = 56;        // 36 UTF-16 units
constexpr std::size_t kNameUnits = 36;
constexpr std::uint32_t kEnd = 128;
}  // namespace entry_at
static_assert(entry_at::kName + 2 * entry_at::kNameUnits == entry_at::kEnd);

constexpr std::uint32_t kMostEntry = 4096;
constexpr std::uint64_t kMostEntriesBytes = kMiB;
// No disk that fits a VHD has as many blocks; below it no product of a block number and a block size overflows.
constexpr std::uint64_t kMaxLba = std::uint64_t{1} << 50;

/// A field of a header or entry whose size was checked.
template <class T>
T field(Bytes bytes, std::size_t offset) {
  return load_le<T>(bytes, offset).value_or(0);
}

template <class T>
void set_field(std::vector<std::byte>& header, std::size_t offset, T value) {
  static_cast<void>(store_le<T>(header, offset, value));
}

GptCopy damaged(std::string why) {
  return {.state = GptCopy::State::Damaged, .damage = std::move(why)};
}

/// Of a header whose size was checked, without its own field.
std::uint32_t header_crc(Bytes block) {
  constexpr std::array<std::byte, 4> kZero{};
  const Bytes header = block.first(field<std::uint32_t>(block, header_at::kHeaderSize));
  auto crc = crc32(header.first(header_at::kHeaderCrc));
  crc = crc32(kZero, crc);
  return crc32(header.subspan(header_at::kHeaderCrc + kZero.size()), crc);
}

std::string read_name(Bytes entry) {
  std::u16string name;
  for (std::size_t i = 0; i < entry_at::kNameUnits; ++i) {
    const auto unit = field<std::uint16_t>(entry, entry_at::kName + 2 * i);
    if (unit == 0) break;
    name += static_cast<char16_t>(unit);
  }
  return to_utf8(name);
}

Guid type_of(Bytes entry) {
  return load_guid(entry, entry_at::kType).value_or(Guid{});
}

std::unexpected<Error> not_trusted(std::string_view what) {
  return fail(Code::Corrupt, concat("the primary partition table (GPT) is damaged: ", what,
                                    "; repair it first, for example with `gdisk` (it can use the backup table)"));
}

/// The end of the last partition, in blocks; Corrupt when one lies outside of the room that the header names.
Result<std::uint64_t> last_partition_end(const GptCopy& copy) {
  std::uint64_t end = 0;
  for (std::uint32_t i = 0; i < copy.entry_count; ++i) {
    const Bytes entry = copy.entry(i);
    if (type_of(entry).is_zero()) continue;
    const auto first = field<std::uint64_t>(entry, entry_at::kFirst);
    const auto last = field<std::uint64_t>(entry, entry_at::kLast);
    if (first > last || first < field<std::uint64_t>(copy.header, header_at::kFirstUsable) ||
        last > field<std::uint64_t>(copy.header, header_at::kLastUsable))
      return not_trusted(concat("partition ", i + 1, " lies outside the room for partitions"));
    end = std::max(end, last + 1);
  }
  return end;
}

Result<std::optional<Gpt>> read_gpt_of_block(const ByteSource& disk, std::uint32_t block) {
  auto copy = TRY(read_gpt_copy(disk, block, 1));
  if (copy.state == GptCopy::State::Absent) return std::nullopt;
  if (copy.state == GptCopy::State::Damaged) return not_trusted(copy.damage);
  const auto alternate_lba = field<std::uint64_t>(copy.header, header_at::kAlternateLba);
  const auto first_usable = field<std::uint64_t>(copy.header, header_at::kFirstUsable);
  const auto last_usable = field<std::uint64_t>(copy.header, header_at::kLastUsable);
  const auto entries_lba = field<std::uint64_t>(copy.header, header_at::kEntriesLba);
  if (alternate_lba > kMaxLba || last_usable >= alternate_lba || first_usable > last_usable || entries_lba < 2 ||
      entries_lba >= first_usable)
    return not_trusted("its header contradicts itself");
  if (copy.entry_count == 0) return not_trusted("it has no entries");
  const auto partitions_end = TRY(last_partition_end(copy)) * block;
  return Gpt{.block = block,
             .alternate_lba = alternate_lba,
             .partitions_end = partitions_end,
             .header = std::move(copy.header),
             .entries = std::move(copy.entries)};
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
  set_field(header, header_at::kHeaderCrc, header_crc(header));
  return header;
}

std::vector<std::byte> primary_header(const Gpt& gpt, const Layout& layout) {
  auto header = gpt.header;
  set_field(header, header_at::kAlternateLba, layout.alternate_lba);
  set_field(header, header_at::kLastUsable, layout.last_usable());
  return with_crc(std::move(header));
}

std::vector<std::byte> backup_header(const Gpt& gpt, const Layout& layout) {
  auto header = gpt.header;
  set_field(header, header_at::kMyLba, layout.alternate_lba);
  set_field(header, header_at::kAlternateLba, std::uint64_t{1});
  set_field(header, header_at::kLastUsable, layout.last_usable());
  set_field(header, header_at::kEntriesLba, layout.backup_entries_lba);
  return with_crc(std::move(header));
}

}  // namespace

Result<GptCopy> read_gpt_copy(const ByteSource& disk, std::uint32_t logical_block, std::uint64_t header_block) {
  const auto blocks = disk.size() / logical_block;
  if (header_block >= blocks) return GptCopy{.damage = "nothing is there"};
  std::vector<std::byte> header(logical_block);
  TRY_IN("reading the GPT", disk.read(header_block * logical_block, header));
  if (!as_text(header).starts_with(kSignature)) return GptCopy{.damage = "no header is there"};

  const auto header_size = field<std::uint32_t>(header, header_at::kHeaderSize);
  if (header_size < header_at::kEnd || header_size > header.size())
    return damaged(concat("a header of ", header_size, " bytes"));
  if (header_crc(header) != field<std::uint32_t>(header, header_at::kHeaderCrc)) return damaged("header checksum");
  if (field<std::uint64_t>(header, header_at::kMyLba) != header_block)
    return damaged("a header that belongs elsewhere");

  const auto count = field<std::uint32_t>(header, header_at::kEntryCount);
  const auto entry_size = field<std::uint32_t>(header, header_at::kEntrySize);
  if (entry_size < entry_at::kEnd || entry_size > kMostEntry || entry_size % entry_at::kEnd != 0)
    return damaged(concat("entries of ", entry_size, " bytes"));
  const auto bytes = std::uint64_t{count} * entry_size;
  if (bytes > kMostEntriesBytes) return damaged(concat(count, " entries"));
  const auto at = field<std::uint64_t>(header, header_at::kEntriesLba);
  if (at >= blocks || bytes > (blocks - at) * logical_block) return damaged("entries outside of the disk");
  std::vector<std::byte> entries(static_cast<std::size_t>(align_up(bytes, logical_block)));
  TRY_IN("reading the GPT", disk.read(at * logical_block, entries));
  if (crc32(Bytes(entries).first(static_cast<std::size_t>(bytes))) !=
      field<std::uint32_t>(header, header_at::kEntriesCrc))
    return damaged("checksum of the entries");
  return GptCopy{.state = GptCopy::State::Good,
                 .block = logical_block,
                 .disk_guid = load_guid(header, header_at::kDiskGuid).value_or(Guid{}),
                 .entry_count = count,
                 .entry_size = entry_size,
                 .header = std::move(header),
                 .entries = std::move(entries)};
}

ListedPartitions list_gpt_partitions(const GptCopy& copy, std::uint64_t blocks) {
  ListedPartitions listed;
  for (unsigned i = 0; i < std::min<unsigned>(copy.entry_count, kMaxPartitions); ++i) {
    const Bytes entry = copy.entry(i);
    const auto type = type_of(entry);
    if (type.is_zero()) continue;
    const auto first = field<std::uint64_t>(entry, entry_at::kFirst);
    const auto last = field<std::uint64_t>(entry, entry_at::kLast);
    if (first == 0 || last < first || last >= blocks) {
      listed.warnings.push_back(concat("partition ", i + 1, " lies in blocks ", first, " to ", last, " of a disk with ",
                                       blocks, ": it is left out, as Linux does"));
      continue;
    }
    const auto unique = to_text(load_guid(entry, entry_at::kUnique).value_or(Guid{}));
    listed.partitions.push_back({.number = i + 1,
                                 .start = first * copy.block,
                                 .length = (last - first + 1) * copy.block,
                                 .type = type,
                                 .partuuid = {unique.begin(), unique.end()},
                                 .name = read_name(entry),
                                 .attributes = field<std::uint64_t>(entry, entry_at::kAttributes)});
  }
  return listed;
}

std::string why_unseen(const GptCopy& copy, std::uint64_t blocks) {
  const auto first = field<std::uint64_t>(copy.header, header_at::kFirstUsable);
  const auto last = field<std::uint64_t>(copy.header, header_at::kLastUsable);
  if (copy.entry_size != entry_at::kEnd)
    return concat("its GPT has entries of ", copy.entry_size,
                  " bytes, and Linux looks at those of 128 alone: write it anew "
                  "with `sgdisk` in the system that made it");
  if (first >= blocks || last < first)
    return concat("its GPT says that blocks ", first, " to ", last,
                  " may be used, and Linux does not look at such a one: "
                  "repair it with `gdisk`, v and w");
  if (last < blocks) return {};
  std::uint64_t end = 0;
  for (unsigned i = 0; i < std::min<unsigned>(copy.entry_count, kMaxPartitions); ++i)
    if (const Bytes entry = copy.entry(i); !type_of(entry).is_zero())
      end = std::max(end, field<std::uint64_t>(entry, entry_at::kLast));
  return concat("its GPT is for a disk with ", last + 1, " usable blocks, and this one has ", blocks,
                ": Linux does not look at it. ",
                end < blocks ? "No partition reaches past the end: `raw2vhd --relocate-gpt`, or `sgdisk -e`, mends it"
                             : "The end of the image is missing: copy it again, whole");
}

Result<std::optional<Gpt>> read_gpt(const ByteSource& disk) {
  if (auto gpt = TRY(read_gpt_of_block(disk, 512))) return gpt;
  return read_gpt_of_block(disk, 4096);
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
  if (layout.last_usable() < field<std::uint64_t>(gpt.header, header_at::kFirstUsable))
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
  if (const auto mbr = TRY(resized_protective_mbr(disk, payload_size / gpt.block)))
    writes.push_back({0, {mbr->begin(), mbr->end()}, "protective MBR"});
  writes.push_back({gpt.block, primary_header(gpt, layout), "primary partition table header"});
  return writes;
}

}  // namespace vhdboot::disk
