// SPDX-License-Identifier: GPL-2.0-or-later
// Which blocks of an image are there while it arrives, and what its boots have read of it: the file beside the image,
// FILE.map. A block that is marked belongs to the image, whatever is in it: it may have been written by the guest. One
// that is not may lie there all the same, if it is what the hash tree says.
//
// In blocks of kBlock bytes: a header that stays as it is, but for the sector that tells which copy of the image it is
// of; a bit for each block of the data, the lowest of a byte
// first; the record, of entries of eight bytes. A bit is only ever set and an entry only ever added, so that a write
// which the power cuts off leaves a file in order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "init/arrive/hash_tree.h"

namespace vhdboot::arrive {

inline constexpr std::size_t kTail = 512;
inline constexpr std::uint64_t kRecordBlocks = 64;
inline constexpr std::size_t kMostRecorded = kRecordBlocks * kBlock / 8;

/// What the file is beside its image.
[[nodiscard]] inline std::string map_path(const std::string& path) {
  return path + ".map";
}

struct MapHeader {
  std::uint64_t data_blocks = 0;
  Salt salt{};
  Sha256Digest root{};
  /// Behind the last block: the footer of a VHD, which its file gets when all else is there.
  std::array<std::byte, kTail> tail{};

  /// Of the image, bytes.
  [[nodiscard]] std::uint64_t size() const { return data_blocks * kBlock + kTail; }
  friend bool operator==(const MapHeader&, const MapHeader&) = default;
};

/// Which copy of the image the file is of: what the mark at the end of that says, too (vhd/incomplete.h). A copy of one
/// of the two alone, older or newer, does not fit the other.
struct MapCopy {
  std::array<std::byte, 16> id{};
  std::uint64_t starts = 0;  ///< of a guest from it
  bool counting = false;     ///< the mark may say one more already

  /// Whether a mark that says so belongs to it.
  [[nodiscard]] bool fits(const std::array<std::byte, 16>& other, std::uint64_t count) const {
    return other == id && (count == starts || (counting && count == starts + 1));
  }
  friend bool operator==(const MapCopy&, const MapCopy&) = default;
};

/// The whole first block.
[[nodiscard]] std::vector<std::byte> serialise(const MapHeader& header, const MapCopy& copy);
/// Of that block; Corrupt: it is damaged.
[[nodiscard]] Result<MapCopy> parse_map_copy(Bytes bytes);
/// Corrupt: it is none, or not whole; Unsupported: one of another version.
[[nodiscard]] Result<MapHeader> parse_map_header(Bytes bytes);

/// Blocks of the file.
struct MapLayout {
  explicit MapLayout(std::uint64_t data_blocks);
  Blocks bits;
  Blocks record;
  [[nodiscard]] std::uint64_t size() const { return (record.first + record.count) * kBlock; }
};

/// The bits, in somebody's memory.
class BlockMap {
 public:
  /// `bits` are those of the file, in whole blocks of it.
  BlockMap(MutableBytes bits, std::uint64_t data_blocks) : bits_(bits), data_blocks_(data_blocks) {}

  [[nodiscard]] std::uint64_t data_blocks() const { return data_blocks_; }
  [[nodiscard]] bool has(std::uint64_t block) const;
  void add(const Blocks& blocks);
  /// The first block from `from` on that is there, or is missing; data_blocks() without one.
  [[nodiscard]] std::uint64_t next(std::uint64_t from, bool there) const;
  /// Those that are missing, of `within`, which may reach past the end.
  [[nodiscard]] std::vector<Blocks> missing(const Blocks& within) const;
  [[nodiscard]] bool complete() const { return next(0, false) == data_blocks_; }
  [[nodiscard]] std::uint64_t count() const;
  /// Which block of the bits has that of `block`.
  [[nodiscard]] static std::uint64_t part_of(std::uint64_t block) { return block / (kBlock * 8); }
  [[nodiscard]] Bytes part(std::uint64_t part) const { return bits_.subspan(part * kBlock, kBlock); }

 private:
  MutableBytes bits_;
  std::uint64_t data_blocks_;
};

/// An entry of the record. Nothing for what has more than fits into one, or is none.
inline constexpr std::uint64_t kMostEntryBlocks = 0xFFFF;
[[nodiscard]] std::uint64_t to_entry(const Blocks& blocks);
/// Up to the first entry that is none, or lies beyond the data.
[[nodiscard]] std::vector<Blocks> parse_record(Bytes bytes, std::uint64_t data_blocks);
/// The bytes of the record; of more than fit, the first.
[[nodiscard]] std::vector<std::byte> serialise_record(const std::vector<Blocks>& blocks);

}  // namespace vhdboot::arrive
