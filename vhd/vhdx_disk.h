// SPDX-License-Identifier: GPL-2.0-or-later
// The disk in a VHDX file ([MS-VHDX] 2.4 and 2.5): blocks by the block allocation table.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "vhd/sparse_disk.h"
#include "vhd/vhdx_table.h"

namespace vhdboot::vhd {

class VhdxDisk final : public SparseDisk {
 public:
  /// The disk of `file`, whose log has been replayed and which must outlive it. Corrupt when the table does not cover
  /// the disk or names blocks that overlap or lie outside of the file.
  [[nodiscard]] static Result<std::unique_ptr<VhdxDisk>> open(const ByteSource& file);

  [[nodiscard]] const VhdxMetadata& metadata() const { return metadata_; }
  [[nodiscard]] std::uint64_t allocated_blocks() const { return allocated_; }
  /// Bytes of the file in which new blocks find their places.
  [[nodiscard]] std::uint64_t reserve() const { return reserve_; }
  [[nodiscard]] Result<Piece> locate(std::uint64_t offset, std::uint64_t limit) const override;

 private:
  VhdxDisk(const ByteSource& file, VhdxTable table);

  static constexpr std::uint64_t kNowhere = UINT64_MAX;

  [[nodiscard]] Result<void> load_bits(std::uint64_t start) const;
  [[nodiscard]] Result<Piece> locate_partial(std::uint64_t offset, std::uint64_t limit, std::uint64_t place) const;
  /// Of a block that is not in the file.
  [[nodiscard]] Origin absent_origin(std::uint64_t entry) const;
  [[nodiscard]] std::uint64_t entry_of(std::uint64_t block) const;
  [[nodiscard]] std::uint64_t bitmap_entry_of(std::uint64_t chunk) const;

  VhdxMetadata metadata_;
  VhdxShape shape_;
  std::vector<std::uint64_t> table_;
  std::uint64_t allocated_;
  std::uint64_t reserve_;
  mutable std::vector<std::byte> bits_;  // of a sector bitmap, those read last
  mutable std::uint64_t bits_start_ = kNowhere;
};

}  // namespace vhdboot::vhd
