// SPDX-License-Identifier: GPL-2.0-or-later
// Rows of device-mapper tables (kernel: Documentation/admin-guide/device-mapper/, linear.rst, zero.rst and
// snapshot.rst) as values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace vhdboot::blocks {

enum class RowKind : std::uint8_t {
  Linear,    ///< a piece of a device below
  Zero,      ///< reads zeroes, forgets writes
  Error,     ///< fails whatever is asked of it
  Snapshot,  ///< all of a device below, but what is written to it, in chunks, is in a store
};

/// In sectors of 512 bytes.
struct Row {
  RowKind kind = RowKind::Linear;
  std::uint64_t start = 0;          ///< on the new device
  std::uint64_t length = 0;         ///< at least 1
  std::size_t device = 0;           ///< Linear and Snapshot: which of the devices below
  std::uint64_t device_sector = 0;  ///< Linear only: where on it
  std::size_t store = 0;            ///< Snapshot only: the device below that holds what is written
  std::uint64_t chunk = 0;          ///< Snapshot only: a power of two

  friend constexpr bool operator==(const Row&, const Row&) = default;
};

/// More rows than this are refused: the kernel keeps some 200 bytes for each (and stops at 1,048,576 itself).
inline constexpr std::size_t kMaxRows = 1'000'000;

/// Adds a row behind the others, as a part of the last one where it goes on with it. An empty one adds nothing.
void append_row(std::vector<Row>& rows, const Row& row);

/// The argument of DM_TABLE_LOAD behind struct dm_ioctl: a struct dm_target_spec and its text for each row.
/// `devices`: those below, as "major:minor". Invalid for a row on a device that is not among them.
[[nodiscard]] Result<std::vector<std::byte>> pack_rows(std::span<const Row> rows, std::span<const std::string> devices);

/// The rows as dmsetup(8) writes tables: "0 2048 linear 8:3 4096\n". Invalid as pack_rows().
[[nodiscard]] Result<std::string> to_text(std::span<const Row> rows, std::span<const std::string> devices);

}  // namespace vhdboot::blocks
