// SPDX-License-Identifier: GPL-2.0-or-later
// The metadata of a VHDX file ([MS-VHDX] 2.6): what kind of disk it holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/guid.h"
#include "base/result.h"
#include "vhd/vhdx_header.h"

namespace vhdboot::vhd {

/// 2.6.2.1, 2.6.2.2
inline constexpr std::uint32_t kMinVhdxBlock = kMiB;
inline constexpr std::uint32_t kMaxVhdxBlock = 256 * kMiB;
inline constexpr std::uint64_t kMaxVhdxDisk = 64 * kTiB;

/// Bytes of a parent locator that are read.
inline constexpr std::uint32_t kMaxVhdxLocator = 64 * kKiB;

struct VhdxParent {
  std::vector<Guid> data_writes;   ///< VhdxHeader::data_write of the parent is one of these, at least one
  std::vector<std::string> paths;  ///< best first, UTF-8, as in Windows
};

struct VhdxMetadata {
  std::uint32_t block_size = 0;          ///< bytes, a power of two
  bool leave_allocated = false;          ///< a fixed VHDX: all blocks stay allocated
  std::uint64_t disk_size = 0;           ///< bytes, a multiple of logical_sector
  std::uint32_t logical_sector = 512;    ///< 512 or 4096
  std::uint32_t physical_sector = 4096;  ///< 512 or 4096
  Guid disk_id;                          ///< SCSI page 83
  std::optional<VhdxParent> parent;      ///< of a differencing VHDX
};

/// Reads the region `region` of `file`. Corrupt: a missing, misplaced or impossible item. Unsupported: an item that
/// must be understood and is not.
[[nodiscard]] Result<VhdxMetadata> read_vhdx_metadata(const ByteSource& file, const VhdxRegion& region);

/// Where the item that VhdxMetadata::block_size and leave_allocated are of lies in the file: u32 bytes of a block, u32
/// flags (2.6.2.1).
[[nodiscard]] Result<std::uint64_t> file_parameters_place(const ByteSource& file, const VhdxRegion& region);

/// 2.6.2.1: the flag of a fixed VHDX.
inline constexpr std::uint32_t kLeaveBlocksAllocated = 1;

}  // namespace vhdboot::vhd
