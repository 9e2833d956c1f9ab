// SPDX-License-Identifier: GPL-2.0-or-later
// The host device: the partition of the host volume without the files that this boot maps, for the guest to mount.
// Where one of them lies there are errors, so that the bytes of a guest disk are out of reach of whoever mounts it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/extent.h"
#include "base/result.h"
#include "init/blocks/dm_table.h"

namespace vhdboot::blocks {

/// A row of its table, in sectors of 512 bytes: the same place of the partition, or errors.
struct HostRow {
  std::uint64_t start = 0;
  std::uint64_t length = 0;
  bool hidden = false;

  friend constexpr bool operator==(const HostRow&, const HostRow&) = default;
};

/// More rows than this are refused: the kernel keeps some 200 bytes for each, in every boot.
inline constexpr std::size_t kMaxHostRows = 100'000;

/// Rows that cover the whole partition. `mapped`: the extents of all files that the boot maps, in any order; that one
/// file lies in several of them, or twice, does not matter. Each is hidden up to the end of its last cluster, and in
/// whole logical blocks. Corrupt for an extent outside of the partition, Unsupported for too many pieces.
[[nodiscard]] Result<std::vector<HostRow>> host_device_rows(std::span<const Extent> mapped,
                                                            const LowerDevice& partition);

/// As pack_linear_targets().
[[nodiscard]] std::vector<std::byte> pack_host_targets(std::span<const HostRow> rows, std::string_view device);

}  // namespace vhdboot::blocks
