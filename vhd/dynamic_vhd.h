// SPDX-License-Identifier: GPL-2.0-or-later
// The disk in a dynamic or differencing VHD: blocks, each behind a bitmap of the sectors that it really holds (Virtual
// Hard Disk Image Format Specification 1.0, "Block Allocation Table and Data Blocks").
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "vhd/dynamic_header.h"
#include "vhd/footer.h"
#include "vhd/sparse_disk.h"

namespace vhdboot::vhd {

/// The footer of a dynamic or differencing VHD.
struct DynamicFooter {
  Footer footer;
  FooterBytes bytes{};
  bool at_end = false;  ///< else it is the copy at the start: the one at the end is missing or damaged
};

/// Unsupported when there is neither.
[[nodiscard]] Result<DynamicFooter> read_dynamic_footer(const ByteSource& file);

/// How blocks lie in the file, each behind its bitmap.
struct VhdShape {
  std::uint64_t block_size = 0;    ///< bytes
  std::uint64_t bitmap_bytes = 0;  ///< in whole sectors

  /// From one block to the next, when the data of both begin on 4 KiB.
  [[nodiscard]] std::uint64_t stride() const { return align_up(bitmap_bytes + block_size, 4 * kKiB); }
  /// Where the data of a block begin that is put behind `end`.
  [[nodiscard]] std::uint64_t first_place(std::uint64_t end) const { return align_up(end + bitmap_bytes, 4 * kKiB); }
  /// How many blocks fit from `end` to `limit`.
  [[nodiscard]] std::uint64_t count(std::uint64_t end, std::uint64_t limit) const {
    const std::uint64_t first = first_place(end);
    return limit < first || limit - first < block_size ? 0 : (limit - first - block_size) / stride() + 1;
  }
};

/// "padded to a 512-byte sector boundary"
[[nodiscard]] constexpr VhdShape vhd_shape(std::uint32_t block_size) {
  return {block_size, align_up(block_size / kSectorSize / 8, kSectorSize)};
}

class DynamicVhd final : public SparseDisk {
 public:
  /// The disk of `file`, which must outlive it and whose footer is `footer` (of type Dynamic or Differencing).
  /// Corrupt when the table does not cover the disk or names blocks that overlap or lie outside of the file.
  [[nodiscard]] static Result<std::unique_ptr<DynamicVhd>> open(const ByteSource& file, const Footer& footer);

  [[nodiscard]] const DynamicHeader& header() const { return header_; }
  [[nodiscard]] VhdShape shape() const { return vhd_shape(header_.block_size); }
  [[nodiscard]] std::uint64_t allocated_blocks() const { return allocated_; }
  /// Its headers, its table and what it says of its parent lie before this byte of the file.
  [[nodiscard]] std::uint64_t metadata_end() const { return metadata_end_; }
  /// Everything of the file but the footer lies before this byte of it.
  [[nodiscard]] std::uint64_t used_end() const { return used_end_; }
  /// Bytes of the file in which new blocks find their places: between used_end() and the footer.
  [[nodiscard]] std::uint64_t reserve() const { return reserve_; }
  [[nodiscard]] Result<Piece> locate(std::uint64_t offset, std::uint64_t limit) const override;

 private:
  DynamicVhd(const ByteSource& file, const Footer& footer, DynamicHeader header, std::vector<std::uint32_t> table);

  [[nodiscard]] Result<void> check_blocks();
  [[nodiscard]] Result<void> load_bitmap(std::uint64_t block) const;

  DynamicHeader header_;
  std::uint64_t header_offset_;
  std::vector<std::uint32_t> table_;  // in sectors
  std::uint64_t bitmap_bytes_;
  std::uint64_t allocated_ = 0;
  std::uint64_t metadata_end_ = 0;
  std::uint64_t used_end_ = 0;
  std::uint64_t reserve_ = 0;
  Origin absent_;
  mutable std::vector<std::byte> bitmap_;  // of the block read last
  mutable std::uint64_t bitmap_block_;
};

}  // namespace vhdboot::vhd
