// SPDX-License-Identifier: GPL-2.0-or-later
// The DOS partition table (UEFI 2.10, 5.2), read and numbered as Linux does (block/partitions/msdos.c).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "base/units.h"
#include "disk/partition_table.h"

namespace vhdboot::disk {

struct MbrEntry {
  unsigned slot = 0;  ///< 1..4
  std::uint8_t type = 0;
  std::uint32_t first = 0;   ///< logical block, from the start of what the table is about
  std::uint32_t blocks = 0;  ///< not 0
};

struct Mbr {
  bool present = false;     ///< a table, perhaps an empty one, and not just the boot sector of a file system
  bool protective = false;  ///< it says that there is a GPT
  std::uint32_t signature = 0;
  std::vector<MbrEntry> entries;  ///< those that are in use
};

/// The first sector of the disk. Io only.
[[nodiscard]] Result<Mbr> read_mbr(const ByteSource& disk);

/// All partitions: primary ones, and logical ones from 5 on. The extended ones around these are not listed. Io only.
[[nodiscard]] Result<ListedPartitions> read_mbr_partitions(const ByteSource& disk, const Mbr& mbr,
                                                           std::uint32_t logical_block);

/// Where the last partition of a plausible MBR ends, in bytes; 0 without one, and for the MBR in front of a GPT.
[[nodiscard]] Result<std::uint64_t> mbr_partitions_end(const ByteSource& disk);

/// The first sector with a protective MBR that names a disk of `blocks` logical blocks; nothing when there is none, it
/// names that size or no size at all, or it is a hybrid one, which is its owner's business.
[[nodiscard]] Result<std::optional<std::array<std::byte, kSectorSize>>> resized_protective_mbr(const ByteSource& disk,
                                                                                               std::uint64_t blocks);

}  // namespace vhdboot::disk
