// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/block_map.h"

#include <algorithm>
#include <bit>

#include "base/crc32.h"

namespace vhdboot::arrive {
namespace {

constexpr std::string_view kSignature = "vhdboot-map\n";
constexpr std::size_t kVersionAt = 12;
constexpr std::size_t kDataBlocksAt = 16;
constexpr std::size_t kSaltAt = 24;
constexpr std::size_t kRootAt = 56;
constexpr std::size_t kTailAt = 512;
constexpr std::size_t kCopyAt = 1024;  // a sector, which a disk writes whole
constexpr std::size_t kCopySize = 512;
constexpr std::size_t kStartsAt = 16;  // in that
constexpr std::size_t kCountingAt = 24;
constexpr std::size_t kCrcAt = kBlock - 4;  // of what is before that
constexpr std::uint32_t kVersion = 1;
constexpr std::uint64_t kBitsPerBlock = kBlock * 8;
constexpr unsigned kCountBits = 16;
constexpr std::size_t kEntry = 8;

}  // namespace

std::vector<std::byte> serialise(const MapHeader& header, const MapCopy& copy) {
  std::vector<std::byte> bytes(kBlock);
  std::ranges::copy(as_bytes(kSignature), bytes.begin());
  static_cast<void>(store_le(bytes, kVersionAt, kVersion));
  static_cast<void>(store_le(bytes, kDataBlocksAt, header.data_blocks));
  std::ranges::copy(header.salt, bytes.begin() + kSaltAt);
  std::ranges::copy(header.root, bytes.begin() + kRootAt);
  std::ranges::copy(header.tail, bytes.begin() + kTailAt);
  static_cast<void>(store_le(bytes, kCrcAt, crc32(Bytes(bytes).first(kCopyAt))));
  const auto sector = MutableBytes(bytes).subspan(kCopyAt, kCopySize);
  std::ranges::copy(copy.id, sector.begin());
  static_cast<void>(store_le(sector, kStartsAt, copy.starts));
  static_cast<void>(store_le(sector, kCountingAt, static_cast<std::uint32_t>(copy.counting ? 1 : 0)));
  static_cast<void>(store_le(sector, kCopySize - 4, crc32(Bytes(sector).first(kCopySize - 4))));
  return bytes;
}

Result<MapHeader> parse_map_header(Bytes bytes) {
  if (bytes.size() < kBlock || as_text(bytes).substr(0, kSignature.size()) != kSignature)
    return fail(Code::Corrupt, "it does not tell which blocks of an image are there");
  if (load_le<std::uint32_t>(bytes, kCrcAt) != crc32(bytes.first(kCopyAt)))
    return fail(Code::Corrupt, "its header is damaged");
  if (load_le<std::uint32_t>(bytes, kVersionAt) != kVersion)
    return fail(Code::Unsupported, "it was made by another version of vhdboot");
  MapHeader header{.data_blocks = load_le<std::uint64_t>(bytes, kDataBlocksAt).value_or(0)};
  if (header.data_blocks == 0 || header.data_blocks > kMostDataBlocks)
    return fail(Code::Unsupported, "it is of an image of an impossible size");
  std::ranges::copy(bytes.subspan(kSaltAt, sizeof(Salt)), header.salt.begin());
  std::ranges::copy(bytes.subspan(kRootAt, sizeof(Sha256Digest)), header.root.begin());
  std::ranges::copy(bytes.subspan(kTailAt, kTail), header.tail.begin());
  return header;
}

Result<MapCopy> parse_map_copy(Bytes bytes) {
  const auto sector = slice(bytes, kCopyAt, kCopySize);
  if (!sector || load_le<std::uint32_t>(*sector, kCopySize - 4) != crc32(sector->first(kCopySize - 4)))
    return fail(Code::Corrupt, "what it says of its image is damaged");
  MapCopy copy{.starts = *load_le<std::uint64_t>(*sector, kStartsAt),
               .counting = *load_le<std::uint32_t>(*sector, kCountingAt) != 0};
  std::ranges::copy(sector->first(copy.id.size()), copy.id.begin());
  return copy;
}

MapLayout::MapLayout(std::uint64_t data_blocks)
    : bits{.first = 1, .count = data_blocks / kBitsPerBlock + (data_blocks % kBitsPerBlock == 0 ? 0 : 1)},
      record{.first = 1 + bits.count, .count = kRecordBlocks} {}

bool BlockMap::has(std::uint64_t block) const {
  return (bits_[block / 8] & std::byte{1} << static_cast<int>(block % 8)) != std::byte{0};
}

void BlockMap::add(const Blocks& blocks) {
  for (std::uint64_t block = blocks.first; block < blocks.first + blocks.count; ++block)
    bits_[block / 8] |= std::byte{1} << static_cast<int>(block % 8);
}

std::uint64_t BlockMap::next(std::uint64_t from, bool there) const {
  const std::byte passed_over = there ? std::byte{0} : std::byte{0xFF};
  while (from < data_blocks_) {
    if (from % 8 == 0 && bits_[from / 8] == passed_over)
      from += 8;
    else if (has(from) == there)
      return from;
    else
      ++from;
  }
  return data_blocks_;
}

std::vector<Blocks> BlockMap::missing(const Blocks& within) const {
  std::vector<Blocks> found;
  const std::uint64_t end = std::min(within.first + within.count, data_blocks_);
  for (std::uint64_t first = next(within.first, false); first < end;) {
    const std::uint64_t last = std::min(next(first, true), end);
    found.push_back({.first = first, .count = last - first});
    first = next(last, false);
  }
  return found;
}

std::uint64_t BlockMap::count() const {
  std::uint64_t count = 0;
  for (std::uint64_t block = 0; block < data_blocks_; block += 8)
    if (data_blocks_ - block >= 8)
      count += static_cast<unsigned>(std::popcount(std::to_integer<unsigned>(bits_[block / 8])));
    else
      for (std::uint64_t last = block; last < data_blocks_; ++last) count += has(last) ? 1 : 0;
  return count;
}

std::uint64_t to_entry(const Blocks& blocks) {
  return blocks.first << kCountBits | blocks.count;
}

std::vector<Blocks> parse_record(Bytes bytes, std::uint64_t data_blocks) {
  std::vector<Blocks> found;
  for (std::size_t at = 0; found.size() < kMostRecorded; at += kEntry) {
    const std::uint64_t entry = load_le<std::uint64_t>(bytes, at).value_or(0);
    const Blocks blocks{.first = entry >> kCountBits, .count = entry & kMostEntryBlocks};
    if (blocks.count == 0 || blocks.first >= data_blocks || blocks.count > data_blocks - blocks.first) break;
    found.push_back(blocks);
  }
  return found;
}

std::vector<std::byte> serialise_record(const std::vector<Blocks>& blocks) {
  std::vector<std::byte> bytes(kRecordBlocks * kBlock);
  std::size_t at = 0;
  for (Blocks left : blocks)
    while (left.count != 0 && at < bytes.size()) {
      const Blocks now{.first = left.first, .count = std::min(left.count, kMostEntryBlocks)};
      static_cast<void>(store_le(bytes, at, to_entry(now)));
      at += kEntry;
      left = {.first = left.first + now.count, .count = left.count - now.count};
    }
  return bytes;
}

}  // namespace vhdboot::arrive
