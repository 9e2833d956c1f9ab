// SPDX-License-Identifier: GPL-2.0-or-later
// The block allocation table of a VHDX file ([MS-VHDX] 2.5), and which places of the file are taken.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "vhd/vhdx_header.h"
#include "vhd/vhdx_metadata.h"

namespace vhdboot::vhd {

/// Entries of a block allocation table, which is held in memory: 64 TiB in blocks of 8 MiB, 8 TiB in blocks of 1 MiB.
inline constexpr std::uint64_t kMaxVhdxEntries = 8 * 1024 * 1024 + 4096;

/// 2.5.1.1 and 2.5.1.2
enum class VhdxState : std::uint8_t {
  NotPresent = 0,
  Undefined = 1,
  Zero = 2,
  Unmapped = 3,
  UnmappedOfQemu = 5,
  Present = 6,
  Partial = 7
};

/// 2.4: a sector bitmap.
inline constexpr std::uint64_t kVhdxBitmap = kMiB;

/// 2.5.1: the place is in units of 1 MiB from bit 20 on, so that masking gives bytes.
[[nodiscard]] constexpr std::uint64_t vhdx_place(std::uint64_t entry) {
  return entry & ~(kMiB - 1);
}
[[nodiscard]] constexpr VhdxState vhdx_state(std::uint64_t entry) {
  return static_cast<VhdxState>(entry & 7);
}
[[nodiscard]] constexpr std::uint64_t vhdx_entry(std::uint64_t place, VhdxState state) {
  return place | static_cast<std::uint64_t>(state);
}

/// How the table is laid out: after the entries of each chunk of blocks comes that of its sector bitmap.
struct VhdxShape {
  std::uint64_t block_size = 0;    ///< bytes
  std::uint64_t blocks = 0;        ///< of the disk
  std::uint64_t chunk_blocks = 0;  ///< the "chunk ratio": payload blocks to one sector bitmap
  std::uint64_t chunks = 0;
  std::uint64_t entries = 0;  ///< that the table must have

  [[nodiscard]] std::uint64_t index_of(std::uint64_t block) const { return block + block / chunk_blocks; }
  [[nodiscard]] std::uint64_t bitmap_index_of(std::uint64_t chunk) const {
    return chunk * (chunk_blocks + 1) + chunk_blocks;
  }
};

[[nodiscard]] VhdxShape shape_of(const VhdxMetadata& metadata);

/// The file in pieces of 1 MiB: which are taken. All blocks and regions lie on such limits.
class VhdxPlaces {
 public:
  explicit VhdxPlaces(std::uint64_t file_size) : taken_(static_cast<std::size_t>((file_size + kMiB - 1) / kMiB)) {}

  /// False when a part of the place, which lies within the file, was taken already.
  bool take(std::uint64_t offset, std::uint64_t length);
  /// Takes of the place what lies within the file and is free.
  void take_rest(std::uint64_t offset, std::uint64_t length);
  /// Where `length` bytes are free from `from` on, both multiples of 1 MiB.
  [[nodiscard]] std::optional<std::uint64_t> find(std::uint64_t length, std::uint64_t from) const;
  /// How many places of `length` bytes find() would give one after the other.
  [[nodiscard]] std::uint64_t count(std::uint64_t length) const;

 private:
  std::vector<bool> taken_;
};

struct VhdxTable {
  VhdxHeader header;
  VhdxRegions regions;
  VhdxMetadata metadata;
  VhdxShape shape;
  std::vector<std::uint64_t> entries;
  VhdxPlaces places;  ///< an entry owns its place in any state
  std::uint64_t allocated = 0;

  [[nodiscard]] std::uint64_t of_block(std::uint64_t block) const {
    return entries[static_cast<std::size_t>(shape.index_of(block))];
  }
  [[nodiscard]] std::uint64_t of_bitmap(std::uint64_t chunk) const {
    return entries[static_cast<std::size_t>(shape.bitmap_index_of(chunk))];
  }
};

/// The table of `file`, whose log has been replayed. Corrupt when it does not cover the disk or names blocks that
/// overlap or lie outside of the file.
[[nodiscard]] Result<VhdxTable> read_vhdx_table(const ByteSource& file);

}  // namespace vhdboot::vhd
