// SPDX-License-Identifier: GPL-2.0-or-later
// A VHDX file of larger blocks becomes one of 1 MiB blocks by a new block table alone: what is present stays where it
// is. The new table is put into a free place of the file, and one entry of the log changes both region tables and the
// block size in the metadata. At any moment the old table or the new one counts.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "vhd/byte_file.h"
#include "vhd/vhdx_writer.h"

namespace vhdboot::vhd {

inline constexpr std::uint32_t kReblockedSize = kMiB;

/// Bytes that the new table needs in one piece, a multiple of 1 MiB. Unsupported when it has more than kMaxVhdxEntries.
[[nodiscard]] Result<std::uint64_t> reblocked_table_size(const VhdxTable& table);

/// Also closes `writer`. Invalid when the file has no free place for the table.
[[nodiscard]] Result<void> reblock(ByteFile& file, VhdxWriter& writer);

}  // namespace vhdboot::vhd
