// SPDX-License-Identifier: GPL-2.0-or-later
// The contents of a file that NTFS keeps compressed as a ByteSource.
#pragma once

#include <cstdint>
#include <vector>

#include "base/byte_source.h"
#include "base/extent.h"

namespace vhdboot::volume {

/// NTFS compresses in units of 16 clusters of at most 4 KiB.
inline constexpr std::uint64_t kMaxCompressionUnit = 64 * 1024;

class CompressedSource final : public ByteSource {
 public:
  /// `extents` in logical order lie on `partition`, which must outlive this, and are not cut off at `size`. Of each
  /// `unit` bytes, at most kMaxCompressionUnit, they cover all: stored; a part from its beginning: compressed; or
  /// nothing: zeros. So is all from `valid_size` on.
  CompressedSource(const ByteSource& partition, std::vector<Extent> extents, std::uint64_t unit, std::uint64_t size,
                   std::uint64_t valid_size);

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;

 private:
  [[nodiscard]] Result<std::vector<std::byte>> read_unit(std::uint64_t number) const;

  const ByteSource& partition_;
  std::vector<Extent> extents_;
  std::uint64_t unit_;
  std::uint64_t size_;
  std::uint64_t valid_size_;
  // The one that was read last: a reader goes on in it.
  mutable std::uint64_t held_ = UINT64_MAX;
  mutable std::vector<std::byte> unit_bytes_;
};

}  // namespace vhdboot::volume
