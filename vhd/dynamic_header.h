// SPDX-License-Identifier: GPL-2.0-or-later
// The header of a dynamic or differencing VHD (Virtual Hard Disk Image Format Specification 1.0, "Dynamic Disk Header
// Format"): 1024 bytes, big-endian, where the footer's data offset points.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/guid.h"
#include "base/result.h"
#include "base/units.h"

namespace vhdboot::vhd {

inline constexpr std::uint64_t kDynamicHeaderSize = 1024;

/// Block sizes from 4 KiB to 256 MiB: Windows writes 2 MiB and 512 KiB, the specification names no limits.
inline constexpr std::uint32_t kMinDynamicBlock = 4 * kKiB;
inline constexpr std::uint32_t kMaxDynamicBlock = 256 * kMiB;

/// Entries of a block allocation table: enough for 2040 GiB in blocks of 256 KiB. The table is held in memory.
inline constexpr std::uint32_t kMaxDynamicBlocks = 8 * 1024 * 1024;

/// Bytes of one parent's path.
inline constexpr std::uint32_t kMaxLocatorData = 4 * kKiB;

/// One of the eight "Parent Locator Entries".
struct VhdLocator {
  std::array<char, 4> platform{};  ///< "W2ru", "W2ku", "MacX" ...; all zero: unused
  std::uint32_t space = 0;         ///< what is kept for the path: sectors, or bytes as some write it
  std::uint32_t length = 0;        ///< bytes of the path
  std::uint64_t offset = 0;        ///< of the path in the file
};

struct DynamicHeader {
  std::uint64_t table_offset = 0;  ///< of the block allocation table in the file
  std::uint32_t block_count = 0;   ///< entries of that table
  std::uint32_t block_size = 0;    ///< bytes, a power of two, without the sector bitmap

  // Of a differencing VHD only:
  Guid parent_uuid;                    ///< as Footer::uuid
  std::uint32_t parent_timestamp = 0;  ///< of the parent's last change, seconds since kVhdEpoch
  std::string parent_name;             ///< UTF-8, as the child's maker knew it
  std::array<VhdLocator, 8> locators;
};

/// The header in `bytes`, which must hold kDynamicHeaderSize. Corrupt: cookie or checksum are wrong, or a value is
/// impossible. Unsupported: a version or a size that is not handled.
[[nodiscard]] Result<DynamicHeader> parse_dynamic_header(Bytes bytes);

/// The parent's paths, best first, UTF-8, with the separators of their platform. Those that cannot be read are left
/// out.
[[nodiscard]] std::vector<std::string> parent_paths(const ByteSource& file, const DynamicHeader& header);

}  // namespace vhdboot::vhd
