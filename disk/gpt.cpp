// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/gpt.h"

#include <algorithm>
#include <array>

#include "base/crc32.h"
#include "base/text.h"
#include "base/units.h"

namespace vhdboot::disk {

namespace {

constexpr std::string_view kSignature = "EFI PART";

// The header.
constexpr std::size_t kHeaderSize = 12;  // u32
constexpr std::size_t kHeaderCrc = 16;   // u32
constexpr std::size_t kMyBlock = 24;     // u64
constexpr std::size_t kDiskGuid = 56;
constexpr std::size_t kEntriesBlock = 72;  // u64
constexpr std::size_t kEntryCount = 80;    // u32
constexpr std::size_t kEntrySize = 84;     // u32
constexpr std::size_t kEntriesCrc = 88;    // u32
constexpr std::uint32_t kLeastHeader = 92;

// An entry.
constexpr std::size_t kType = 0;
constexpr std::size_t kUnique = 16;
constexpr std::size_t kFirst = 32;       // u64
constexpr std::size_t kLast = 40;        // u64, the last block itself
constexpr std::size_t kAttributes = 48;  // u64
constexpr std::size_t kName = 56;        // 36 UTF-16 units
constexpr std::size_t kNameUnits = 36;
constexpr std::uint32_t kLeastEntry = 128;
constexpr std::uint32_t kMostEntry = 4096;
constexpr std::uint64_t kMostEntriesBytes = kMiB;

/// A field of a header or entry whose size was checked.
template <class T>
T field(Bytes bytes, std::size_t offset) {
  return load_le<T>(bytes, offset).value_or(0);
}

GptCopy damaged(std::string why) {
  return {.state = GptCopy::State::Damaged, .damage = std::move(why)};
}

std::uint32_t crc_without_itself(Bytes header) {
  constexpr std::array<std::byte, 4> kZero{};
  auto crc = crc32(header.first(kHeaderCrc));
  crc = crc32(kZero, crc);
  return crc32(header.subspan(kHeaderCrc + kZero.size()), crc);
}

std::string read_name(Bytes entry) {
  std::u16string name;
  for (std::size_t i = 0; i < kNameUnits; ++i) {
    const auto unit = field<std::uint16_t>(entry, kName + 2 * i);
    if (unit == 0) break;
    name += static_cast<char16_t>(unit);
  }
  return to_utf8(name);
}

/// Adds the partition of an entry, if it is one for the kernel.
void take_entry(GptCopy& copy, Bytes entry, unsigned number, std::uint64_t blocks, std::uint32_t logical_block) {
  const auto type = load_guid(entry, kType).value_or(Guid{});
  if (type.is_zero()) return;
  const auto first = field<std::uint64_t>(entry, kFirst);
  const auto last = field<std::uint64_t>(entry, kLast);
  if (first == 0 || last < first || last >= blocks) {
    copy.warnings.push_back(concat("partition ", number, " lies in blocks ", first, " to ", last, " of a disk with ",
                                   blocks, ": it is left out, as Linux does"));
    return;
  }
  const auto unique = to_text(load_guid(entry, kUnique).value_or(Guid{}));
  copy.partitions.push_back({.number = number,
                             .start = first * logical_block,
                             .length = (last - first + 1) * logical_block,
                             .type = type,
                             .partuuid = {unique.begin(), unique.end()},
                             .name = read_name(entry),
                             .attributes = field<std::uint64_t>(entry, kAttributes)});
}

}  // namespace

Result<GptCopy> read_gpt(const ByteSource& disk, std::uint32_t logical_block, std::uint64_t header_block) {
  const auto blocks = disk.size() / logical_block;
  if (header_block >= blocks) return GptCopy{.damage = "nothing is there"};
  std::vector<std::byte> block(logical_block);
  TRY_IN("reading the GPT", disk.read(header_block * logical_block, block));
  if (!as_text(block).starts_with(kSignature)) return GptCopy{.damage = "no header is there"};

  const auto header_size = field<std::uint32_t>(block, kHeaderSize);
  if (header_size < kLeastHeader || header_size > block.size())
    return damaged(concat("a header of ", header_size, " bytes"));
  const Bytes header = Bytes(block).first(header_size);
  if (crc_without_itself(header) != field<std::uint32_t>(header, kHeaderCrc)) return damaged("header checksum");
  if (field<std::uint64_t>(header, kMyBlock) != header_block) return damaged("a header that belongs elsewhere");

  const auto count = field<std::uint32_t>(header, kEntryCount);
  const auto entry_size = field<std::uint32_t>(header, kEntrySize);
  if (entry_size < kLeastEntry || entry_size > kMostEntry || entry_size % kLeastEntry != 0)
    return damaged(concat("entries of ", entry_size, " bytes"));
  const auto bytes = std::uint64_t{count} * entry_size;
  if (bytes > kMostEntriesBytes) return damaged(concat(count, " entries"));
  const auto at = field<std::uint64_t>(header, kEntriesBlock);
  if (at >= blocks || bytes > (blocks - at) * logical_block) return damaged("entries outside of the disk");
  std::vector<std::byte> entries(bytes);
  TRY_IN("reading the GPT", disk.read(at * logical_block, entries));
  if (crc32(entries) != field<std::uint32_t>(header, kEntriesCrc)) return damaged("checksum of the entries");

  GptCopy copy{.state = GptCopy::State::Good, .disk_guid = load_guid(header, kDiskGuid).value_or(Guid{})};
  for (unsigned i = 0; i < std::min<unsigned>(count, kMaxPartitions); ++i)
    take_entry(copy, Bytes(entries).subspan(std::size_t{i} * entry_size, entry_size), i + 1, blocks, logical_block);
  return copy;
}

}  // namespace vhdboot::disk
