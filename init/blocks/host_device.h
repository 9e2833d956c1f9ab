// SPDX-License-Identifier: GPL-2.0-or-later
// The host device: the partition of the host volume without the files that this boot maps, for the guest to mount.
// Where one of them lies there are errors, so that the bytes of a guest disk are out of reach of whoever mounts it.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "init/blocks/view.h"

namespace vhdboot::blocks {

/// More rows than this are refused: the kernel keeps some 200 bytes for each, in every boot.
inline constexpr std::size_t kMaxHostRows = 100'000;

/// Rows that cover the whole partition view.devices[device]: linear, each in its own place, and errors where one of the
/// view's files lies. Each is hidden up to the end of its last cluster, and in whole logical blocks. That one file lies
/// in many pieces, in any order, or that two share some, does not matter. Corrupt for an extent outside of the
/// partition, Unsupported for too many pieces.
[[nodiscard]] Result<std::vector<Row>> host_device_rows(const View& view, std::size_t device);

}  // namespace vhdboot::blocks
