// SPDX-License-Identifier: GPL-2.0-or-later
// One copy of a GUID partition table (UEFI 2.10, 5.3). Used by partition_table.cpp, which decides between the copies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/guid.h"
#include "base/result.h"
#include "disk/partition_table.h"

namespace vhdboot::disk {

struct GptCopy {
  enum class State : std::uint8_t { Absent, Damaged, Good };
  State state = State::Absent;
  std::string damage;  ///< what is wrong, or that nothing is there
  Guid disk_guid;
  std::vector<Partition> partitions;
  std::vector<std::string> warnings;
};

/// Reads the copy whose header is in logical block number `header_block`. Io only; what is wrong with the table is in
/// the value.
[[nodiscard]] Result<GptCopy> read_gpt(const ByteSource& disk, std::uint32_t logical_block, std::uint64_t header_block);

}  // namespace vhdboot::disk
