// SPDX-License-Identifier: GPL-2.0-or-later
// What a differencing image holds goes into its parent, block by block, until the parent alone reads the same.
//
// At any moment, of a loss of power too, the differencing image reads as before: whatever has changed in the parent, it
// holds itself. Running it again goes on. The parent alone is worth nothing until all of it is done: who empties or
// removes the differencing image before that has neither the old disk nor the new one.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "vhd/block_writer.h"
#include "vhd/byte_file.h"
#include "vhd/disk.h"
#include "vhd/provision.h"

namespace vhdboot::vhd {

/// Behind the name of a differencing image: the file that is there while it is being merged into its parent.
inline constexpr char kMergeMark[] = ".vhdtool-merge";

struct MergePlan {
  std::uint64_t bytes = 0;       ///< of the disk: what a Watch is told in all
  std::uint64_t new_blocks = 0;  ///< of the parent, that have no place in it yet, at most
};

/// `child` was opened with its parents. Invalid when it has none; Unsupported when its disk is larger than that of its
/// parent.
[[nodiscard]] Result<MergePlan> plan_merge(const Disk& child);

/// `parent` is the file of the parent of `child`, which was opened, with its parents, before `writer`. `writer` is of
/// that file; null for a fixed VHD. What the parent is known by stays. Durable when it returns; the writer is to be
/// closed. Invalid when the file has too few free places. What `watch` stops fails with EINTR.
[[nodiscard]] Result<void> merge(ByteFile& parent, BlockWriter* writer, const Disk& child, const Watch& watch);

/// Whether `merged`, the parent as it was opened after that, really reads as `child` does. Corrupt when not.
[[nodiscard]] Result<void> check_merged(const Disk& merged, const Disk& child, const Watch& watch);

}  // namespace vhdboot::vhd
