// SPDX-License-Identifier: GPL-2.0-or-later
// Footers that a fixed VHD had when it was smaller: after it grew they lie in the middle of it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"
#include "vhd/footer.h"

namespace vhdboot::vhd {

/// What is known of a disk without looking through it.
struct DiskFacts {
  std::optional<std::uint64_t> gpt_disk_end;  ///< where its GPT says that it ends, bytes
  std::uint64_t partitions_end = 0;           ///< bytes; 0 when it has no partitions
  std::optional<std::uint64_t> data_end;  ///< bytes: a hole begins here that reaches to the end or the present footer
};

struct OldFooter {
  std::uint64_t offset = 0;  ///< bytes; equal to footer.current_size
  Footer footer;
};

/// The old footers of `file`, by rising offset, looked for only where one can be: behind the end that the GPT names,
/// behind the partitions (at the places where the size of a disk is a round number), and at the end of the data.
/// A sector counts only if it is a valid footer of a fixed VHD that names its own place as the size of the disk and if
/// no partition covers it. At most 200 sectors are read.
[[nodiscard]] Result<std::vector<OldFooter>> find_old_footers(const ByteSource& file, const DiskFacts& facts);

}  // namespace vhdboot::vhd
