// SPDX-License-Identifier: GPL-2.0-or-later
// The header section of a VHDX file ([MS-VHDX] 2.2): two headers of which the newer valid one counts, and two copies of
// the table of regions. Little-endian.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/guid.h"
#include "base/result.h"
#include "base/units.h"
#include "vhd/byte_file.h"

namespace vhdboot::vhd {

struct VhdxHeader {
  std::uint64_t sequence = 0;
  Guid file_write;  ///< changes whenever the file is written to
  Guid data_write;  ///< changes whenever what the guest sees changes: a child knows its parent by it
  Guid log;         ///< zero: the log is empty
  std::uint16_t log_version = 0;
  std::uint32_t log_length = 0;
  std::uint64_t log_offset = 0;
  std::uint64_t place = 0;  ///< of this header in the file: kVhdxHeaderPlaces
};

/// 2.2: the two places of a header, and those of the two region tables.
inline constexpr std::array kVhdxHeaderPlaces{64 * kKiB, 128 * kKiB};
inline constexpr std::array kVhdxRegionPlaces{192 * kKiB, 256 * kKiB};
inline constexpr std::size_t kVhdxRegionTable = 64 * kKiB;

struct VhdxRegion {
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
};

struct VhdxRegions {
  VhdxRegion bat;
  VhdxRegion metadata;
  std::vector<VhdxRegion> others;  ///< not known and not needed, but theirs; those within the file
};

/// The largest VHDX file that is read: the largest disk of 64 TiB, and as much again.
inline constexpr std::uint64_t kMaxVhdxFile = 128 * kTiB;

/// The header that counts. Unsupported: no VHDX file, or a version that is not known. Corrupt: neither header holds.
[[nodiscard]] Result<VhdxHeader> read_vhdx_header(const ByteSource& file);

/// The bytes of a header.
[[nodiscard]] std::array<std::byte, 4 * kKiB> serialise(const VhdxHeader& header);

/// The bytes of the region table of a new file, which has the block table and the metadata alone.
[[nodiscard]] std::vector<std::byte> new_region_table(const VhdxRegion& bat, const VhdxRegion& metadata);

/// Puts `header`, which read_vhdx_header() or this function gave and which may have been changed, over the older one,
/// with the next number, and returns it as it counts then. ByteFile::flush() belongs before and after: at no moment may
/// both headers be on their way to the disk. Corrupt when its number is the last one.
[[nodiscard]] Result<VhdxHeader> put_vhdx_header(ByteFile& file, VhdxHeader header);

/// The bytes of the region table, both copies of which are to be these, after the block table has moved to `bat`.
/// Through the log only (2.2.3).
[[nodiscard]] Result<std::vector<std::byte>> moved_block_table(const ByteSource& file, const VhdxRegion& bat);

/// The regions, of a file whose log has been replayed. Unsupported: a region that must be understood and is not.
[[nodiscard]] Result<VhdxRegions> read_vhdx_regions(const ByteSource& file);

/// The program that made the file, UTF-8; empty when it does not say.
[[nodiscard]] std::string read_vhdx_creator(const ByteSource& file);

}  // namespace vhdboot::vhd
