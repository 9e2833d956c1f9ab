// SPDX-License-Identifier: GPL-2.0-or-later
// exFAT's boot region. Section numbers here and in exfat_*.cpp are those of Microsoft's exFAT file system
// specification.
#pragma once

#include <cstdint>

#include "base/byte_source.h"
#include "base/result.h"

namespace vhdboot::volume {

/// Where things lie on an exFAT volume. All offsets in bytes from the partition's start; checked to lie within it.
struct ExfatGeometry {
  std::uint64_t volume_size = 0;
  std::uint64_t cluster_size = 0;  ///< 512 B to 32 MiB
  std::uint64_t fat_offset = 0;    ///< of the FAT in use
  std::uint64_t heap_offset = 0;   ///< of cluster 2
  std::uint32_t cluster_count = 0;
  std::uint32_t root_cluster = 0;
  std::uint32_t serial = 0;
  bool second_fat = false;     ///< the second FAT is in use, and the bitmap that goes with it
  bool dirty = false;          ///< VolumeDirty
  bool media_failure = false;  ///< MediaFailure
  bool from_backup = false;    ///< the main boot region is damaged; dirty and media_failure are then unknown

  /// Whether `cluster` is a place in the cluster heap.
  [[nodiscard]] constexpr bool in_heap(std::uint32_t cluster) const {
    return cluster >= 2 && cluster - 2 < cluster_count;
  }
  /// Offset of a cluster for which in_heap() holds.
  [[nodiscard]] constexpr std::uint64_t offset_of(std::uint32_t cluster) const {
    return heap_offset + std::uint64_t{cluster - 2} * cluster_size;
  }
  [[nodiscard]] constexpr std::uint64_t heap_size() const { return std::uint64_t{cluster_count} * cluster_size; }
};

/// Reads the main boot region, or the backup one when the main one is damaged (3.1). Corrupt when both are,
/// Unsupported for a revision other than 1.x.
[[nodiscard]] Result<ExfatGeometry> read_exfat_boot(const ByteSource& partition);

}  // namespace vhdboot::volume
