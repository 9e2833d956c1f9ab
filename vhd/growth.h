// SPDX-License-Identifier: GPL-2.0-or-later
// How a fixed VHD becomes larger. The new space is allocated first, behind the old footer, by whoever can write
// gigabytes of zeros; here is what was there before and what is written then, in this order:
//   1. the new footer at the new end: from now on the file is a valid VHD of the new size;
//   2. the backup GPT at the new end, and last of it the primary header (move_backup in disk/gpt.h);
//   3. zeros over the old footer.
// Before 1 the file ends in zeros behind its old footer, however far they reach, and find_growth_start() finds that
// footer by reading backwards. After 1 the old footer is the mark of an operation that is not complete: it goes last.
// unfinished_growths() finds it without being told the old size, where a partition table tells where to look.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "disk/gpt.h"
#include "vhd/byte_file.h"
#include "vhd/footer.h"
#include "vhd/refusal.h"

namespace vhdboot::vhd {

/// A smaller growth is refused: the tables of a GPT at the new end must not reach back to the old footer.
inline constexpr std::uint64_t kLeastGrowth = 2 * kMiB;

struct GrowthStart {
  Footer footer;                   ///< the one that counts
  std::uint64_t payload_size = 0;  ///< bytes; the footer lies here
  bool interrupted = false;        ///< zeros follow the footer: an earlier run was interrupted, or truncate(1) was used
};

/// The disk in `file` before it grows. Refuses what is no fixed VHD. `file_name` is for messages.
[[nodiscard]] Attempt<GrowthStart> find_growth_start(const ByteFile& file, std::string_view file_name);

/// Whether `file`, a valid VHD, is what is left when a growth from `old_payload` bytes lost power between its steps.
/// Not when a partition covers that place by now: then the guest uses the new space already, and its sectors are its
/// own.
[[nodiscard]] bool is_unfinished_growth(const ByteFile& file, const GrowthStart& start, std::uint64_t old_payload);

/// The sizes, rising, from which growths began that lost power between their steps: is_unfinished_growth() holds for
/// each. Looked for where the GPT says that the disk ends and near the end of the last partition, not in the whole
/// file; a disk without partitions shows none.
[[nodiscard]] Attempt<std::vector<std::uint64_t>> unfinished_growths(const ByteFile& file, const GrowthStart& start);

/// Refuses a growth from `start` to `new_payload` bytes that could not be completed.
[[nodiscard]] Attempt<void> check_growth(const ByteFile& file, const GrowthStart& start, std::uint64_t new_payload);

/// The writes of steps 1 to 3, once `file` has at least `new_payload` bytes; also zeros over what unfinished_growths()
/// finds. `new_payload` may be what the disk has already, to complete such a growth.
[[nodiscard]] Attempt<std::vector<disk::DiskWrite>> plan_growth(const ByteFile& file, const GrowthStart& start,
                                                                std::uint64_t new_payload);

/// Does what plan_growth() says. When the new footer cannot be written the file gets the size back that the disk of
/// `start` needs, and is a valid VHD of that size again; after a later failure running again completes it.
[[nodiscard]] Attempt<void> write_growth(ByteFile& file, const GrowthStart& start, std::uint64_t new_payload);

}  // namespace vhdboot::vhd
