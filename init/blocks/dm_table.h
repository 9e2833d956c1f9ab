// SPDX-License-Identifier: GPL-2.0-or-later
// Device-mapper `linear` tables from the extents of a file (kernel:
// Documentation/admin-guide/device-mapper/linear.rst).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/extent.h"
#include "base/result.h"
#include "base/units.h"

namespace vhdboot::blocks {

/// One row, in sectors of 512 bytes.
struct LinearRow {
  std::uint64_t start = 0;          ///< on the new device
  std::uint64_t length = 0;         ///< at least 1
  std::uint64_t device_sector = 0;  ///< on the device below

  friend constexpr bool operator==(const LinearRow&, const LinearRow&) = default;
};

/// The partition that the rows point into.
struct LowerDevice {
  std::uint64_t size = 0;             ///< bytes
  std::uint32_t logical_block = 512;  ///< 512 or 4096
  std::uint64_t cluster_size = 0;     ///< of the volume on it, bytes
};

/// More rows than this are refused: the kernel keeps some 200 bytes for each (and stops at 1,048,576 itself).
inline constexpr std::size_t kMaxLinearRows = 1'000'000;

/// The rows that cover exactly the payload, neighbours merged. On a disk of larger logical blocks the last row reaches
/// up to the end of its block, which then lies in the same cluster: the loop device above cuts it off.
/// `extents` in logical order. Corrupt on holes, overlaps and what lies outside the partition; Unsupported, with what
/// to do about it, when the file does not lie on logical blocks, or in too many pieces.
[[nodiscard]] Result<std::vector<LinearRow>> linear_table(std::span<const Extent> extents, const Payload& payload,
                                                          const LowerDevice& device);

/// Adds a row to the argument of DM_TABLE_LOAD behind struct dm_ioctl: a struct dm_target_spec and its text.
void append_target(std::vector<std::byte>& packed, std::uint64_t start, std::uint64_t length, std::string_view type,
                   std::string_view parameters);

/// The argument of DM_TABLE_LOAD behind struct dm_ioctl: a struct dm_target_spec and its text for each row.
/// `device` is "major:minor".
[[nodiscard]] std::vector<std::byte> pack_linear_targets(std::span<const LinearRow> rows, std::string_view device);

/// The rows as dmsetup(8) writes tables: "0 2048 linear 8:3 4096\n".
[[nodiscard]] std::string to_text(std::span<const LinearRow> rows, std::string_view device);

}  // namespace vhdboot::blocks
