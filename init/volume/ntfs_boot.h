// SPDX-License-Identifier: GPL-2.0-or-later
// NTFS's boot sector. libntfs-3g reads it again; this stands before it with narrower limits, since the library would
// allocate whatever record sizes a corrupt sector asks for.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::volume {

struct NtfsGeometry {
  std::uint64_t volume_size = 0;        ///< bytes, without the backup boot sector behind it
  std::uint32_t sector_size = 0;        ///< bytes, 512 to 4096
  std::uint32_t cluster_size = 0;       ///< bytes, 512 to 2 MiB
  std::uint32_t mft_record_size = 0;    ///< bytes, 512 to 4096
  std::uint32_t index_record_size = 0;  ///< bytes, 512 to 64 KiB
  std::uint64_t serial = 0;
};

/// `sector` is the first 512 bytes of a partition of `partition_size` bytes. Corrupt when a field is impossible or the
/// volume does not fit, Unsupported for sectors below 512 bytes.
[[nodiscard]] Result<NtfsGeometry> parse_ntfs_boot(Bytes sector, std::uint64_t partition_size);

}  // namespace vhdboot::volume
