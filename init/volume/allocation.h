// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a volume's own books agree with where one of its files lies. Where they do not, a driver may give the same
// clusters to another file at any moment, or has done so already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/extent.h"
#include "base/result.h"

namespace vhdboot::volume {

/// Of one folder, no more files than this are compared with: each costs a read, and the boot waits for it.
inline constexpr std::size_t kMaxNeighbours = 4096;

class AllocationCheck {
 public:
  /// `extents` of the file, of which no two share a byte.
  explicit AllocationCheck(std::span<const Extent> extents);

  /// Bit n of `bitmap`, counted from each byte's lowest one, is set when the cluster at `heap + n * cluster_size` is
  /// in use. Corrupt when one that the file lies in is not, or is not in the bitmap.
  [[nodiscard]] Result<void> in_use(const ByteSource& bitmap, std::uint64_t heap, std::uint64_t cluster_size) const;

  /// Corrupt when the file shares a byte of the partition with `others`, which belong to `owner`.
  [[nodiscard]] Result<void> apart_from(std::string_view owner, std::span<const Extent> others) const;

 private:
  std::vector<Extent> by_place_;
};

}  // namespace vhdboot::volume
