// SPDX-License-Identifier: GPL-2.0-or-later
// Gives the blocks of a growing or differencing image their places in its file, whole: what they are made of is written
// there first, then the table names them, in batches. At any moment the disk reads as before, and running it again
// goes on. When every block is so, the disk lies in its file as it is, and a guest can write to it without any table.
#pragma once

#include <cstdint>
#include <functional>

#include "base/result.h"
#include "vhd/block_writer.h"
#include "vhd/byte_file.h"
#include "vhd/disk.h"
#include "vhd/vhdx_writer.h"

namespace vhdboot::vhd {

/// Told how many bytes more are done; answers false to stop. What stops then fails with EINTR.
using Watch = std::function<bool(std::uint64_t bytes)>;

struct ProvisionPlan {
  std::uint64_t new_blocks = 0;                  ///< how many without a place get one, at most: the first ones
  std::uint64_t zeros_from = ~std::uint64_t{0};  ///< from this byte on the file is zeros where it is free
};

/// Blocks of each kind.
struct Provisioned {
  std::uint64_t given = 0;      ///< had no place
  std::uint64_t completed = 0;  ///< were there in part, and the rest in a parent or zeros
};

/// `disk` is the image in `file` as it was opened before `writer`, with its parents. `watch` is told of the blocks that
/// get a place. NotFound when a parent that is needed was not opened; Invalid when there are too few free places.
[[nodiscard]] Result<Provisioned> provision(ByteFile& file, BlockWriter& writer, const Disk& disk,
                                            const ProvisionPlan& plan, const Watch& watch);

/// Marks a VHDX without a parent, of which every block is whole, as a fixed one: what a guest discards stays in place.
[[nodiscard]] Result<void> mark_fixed(ByteFile& file, VhdxWriter& writer);

/// How large the file of an image made of blocks, which has `file_size` bytes, must become for `blocks` places more
/// than DiskInfo::reserve; without the footer that a VHD then gets.
[[nodiscard]] std::uint64_t size_with_reserve(const DiskInfo& disk, std::uint64_t file_size, std::uint64_t blocks);

}  // namespace vhdboot::vhd
