// SPDX-License-Identifier: GPL-2.0-or-later
// The DOS partition table, read and numbered as Linux does (block/partitions/msdos.c). Used by partition_table.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
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

struct MbrPartitions {
  std::vector<Partition> partitions;
  std::vector<std::string> warnings;
};

/// All partitions: primary ones, and logical ones from 5 on. The extended ones around these are not listed. Io only.
[[nodiscard]] Result<MbrPartitions> read_mbr_partitions(const ByteSource& disk, const Mbr& mbr,
                                                        std::uint32_t logical_block);

}  // namespace vhdboot::disk
