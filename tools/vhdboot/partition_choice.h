// SPDX-License-Identifier: GPL-2.0-or-later
// Which partition of an image is meant when somebody wants to look into it.
#pragma once

#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "disk/partition_table.h"

namespace vhdboot::command {

struct ImagePartition {
  unsigned number = 0;  ///< 0: the whole disk
  std::uint64_t start = 0;
  std::uint64_t length = 0;
  std::string type;      ///< of its file system, as blkid names it; empty: none that is known
  bool is_root = false;  ///< by its type in a GPT

  friend bool operator==(const ImagePartition&, const ImagePartition&) = default;
};

/// Of the disk with that table, with what libblkid reads in each.
[[nodiscard]] std::vector<ImagePartition> list_partitions(const ByteSource& disk, const disk::PartitionTable& table);

/// Whether the image in `file`, raw or a fixed VHD, has a partition with NTFS and none with a file system of Linux.
[[nodiscard]] bool holds_windows(const ByteSource& file);

/// Number `wanted`; 0: the one that says it is the root, else the only one with a file system of Linux. NotFound and
/// Invalid name all that there are; Unsupported for one that can only be opened by another program (LUKS, LVM).
[[nodiscard]] Result<ImagePartition> choose_partition(const std::vector<ImagePartition>& partitions, unsigned wanted);

}  // namespace vhdboot::command
