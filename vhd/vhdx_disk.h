// SPDX-License-Identifier: GPL-2.0-or-later
// The disk in a VHDX file ([MS-VHDX] 2.4 and 2.5): blocks by the block allocation table.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "vhd/sparse_disk.h"
#include "vhd/vhdx_header.h"
#include "vhd/vhdx_metadata.h"

namespace vhdboot::vhd {

/// Entries of a block allocation table, which is held in memory: 64 TiB in blocks of 8 MiB, 8 TiB in blocks of 1 MiB.
inline constexpr std::uint64_t kMaxVhdxEntries = 8 * 1024 * 1024 + 4096;

class VhdxDisk final : public SparseDisk {
 public:
  /// The disk of `file`, whose log has been replayed and which must outlive it. Corrupt when the table does not cover
  /// the disk or names blocks that overlap or lie outside of the file.
  [[nodiscard]] static Result<std::unique_ptr<VhdxDisk>> open(const ByteSource& file);

  [[nodiscard]] const VhdxMetadata& metadata() const { return metadata_; }
  [[nodiscard]] std::uint64_t allocated_blocks() const { return allocated_; }
  [[nodiscard]] Result<Piece> locate(std::uint64_t offset, std::uint64_t limit) const override;

 private:
  VhdxDisk(const ByteSource& file, VhdxMetadata metadata, std::vector<std::uint64_t> table);

  [[nodiscard]] Result<void> check_blocks(const VhdxRegions& regions, const VhdxHeader& header);
  [[nodiscard]] Result<Piece> locate_partial(std::uint64_t offset, std::uint64_t limit, std::uint64_t place) const;
  /// Of a block that is not in the file.
  [[nodiscard]] Origin absent_origin(std::uint64_t entry) const;
  [[nodiscard]] std::uint64_t entry_of(std::uint64_t block) const;
  [[nodiscard]] std::uint64_t bitmap_entry_of(std::uint64_t chunk) const;

  VhdxMetadata metadata_;
  std::vector<std::uint64_t> table_;
  std::uint64_t chunk_blocks_;  // the "chunk ratio": payload blocks to one sector bitmap
  std::uint64_t allocated_ = 0;
};

}  // namespace vhdboot::vhd
