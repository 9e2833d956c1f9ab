// SPDX-License-Identifier: GPL-2.0-or-later
// A differencing VHDX forgets all that was written to it: a new, empty block table is put into a free place of the
// file, and one entry of the log changes both region tables. At any moment the old table or the new one counts. What
// the blocks took is free again.
#pragma once

#include "base/result.h"
#include "vhd/byte_file.h"
#include "vhd/disk.h"
#include "vhd/vhdx_writer.h"

namespace vhdboot::vhd {

/// Bytes of the block table of such an image, a multiple of 1 MiB: what it must have free, in one piece.
[[nodiscard]] std::uint64_t vhdx_table_size(const DiskInfo& disk);

/// Also closes `writer`, which was opened with a new data-write GUID. Invalid when the image has no parent, or its file
/// no free place for the table.
[[nodiscard]] Result<void> roll_back(ByteFile& file, VhdxWriter& writer);

}  // namespace vhdboot::vhd
