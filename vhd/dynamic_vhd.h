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

class DynamicVhd final : public SparseDisk {
 public:
  /// The disk of `file`, which must outlive it and whose footer is `footer` (of type Dynamic or Differencing).
  /// Corrupt when the table does not cover the disk or names blocks that overlap or lie outside of the file.
  [[nodiscard]] static Result<std::unique_ptr<DynamicVhd>> open(const ByteSource& file, const Footer& footer);

  [[nodiscard]] const DynamicHeader& header() const { return header_; }
  [[nodiscard]] std::uint64_t allocated_blocks() const { return allocated_; }
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
  Origin absent_;
  mutable std::vector<std::byte> bitmap_;  // of the block read last
  mutable std::uint64_t bitmap_block_;
};

}  // namespace vhdboot::vhd
