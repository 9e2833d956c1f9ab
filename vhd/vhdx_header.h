// SPDX-License-Identifier: GPL-2.0-or-later
// The header section of a VHDX file ([MS-VHDX] 2.2): two headers of which the newer valid one counts, and two copies of
// the table of regions. Little-endian.
#pragma once

#include <cstdint>
#include <string>

#include "base/byte_source.h"
#include "base/guid.h"
#include "base/result.h"
#include "base/units.h"

namespace vhdboot::vhd {

struct VhdxHeader {
  std::uint64_t sequence = 0;
  Guid file_write;  ///< changes whenever the file is written to
  Guid data_write;  ///< changes whenever what the guest sees changes: a child knows its parent by it
  Guid log;         ///< zero: the log is empty
  std::uint16_t log_version = 0;
  std::uint32_t log_length = 0;
  std::uint64_t log_offset = 0;
};

struct VhdxRegion {
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
};

struct VhdxRegions {
  VhdxRegion bat;
  VhdxRegion metadata;
};

/// The largest VHDX file that is read: the largest disk of 64 TiB, and as much again.
inline constexpr std::uint64_t kMaxVhdxFile = 128 * kTiB;

/// The header that counts. Unsupported: no VHDX file, or a version that is not known. Corrupt: neither header holds.
[[nodiscard]] Result<VhdxHeader> read_vhdx_header(const ByteSource& file);

/// The regions, of a file whose log has been replayed. Unsupported: a region that must be understood and is not.
[[nodiscard]] Result<VhdxRegions> read_vhdx_regions(const ByteSource& file);

/// The program that made the file, UTF-8; empty when it does not say.
[[nodiscard]] std::string read_vhdx_creator(const ByteSource& file);

}  // namespace vhdboot::vhd
