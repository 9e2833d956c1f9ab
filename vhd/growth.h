// SPDX-License-Identifier: GPL-2.0-or-later
// How a fixed VHD becomes larger. The new space is allocated first, behind the old footer, by whoever can write
// gigabytes of zeros; here is what was there before and what is written then, in this order:
//   1. the new footer at the new end: from now on the file is a valid VHD of the new size;
//   2. the backup GPT at the new end, and last of it the primary header (move_backup in vhd/gpt.h);
//   3. zeros over the old footer.
// Before 1 the file ends in zeros behind its old footer, however far they reach, and find_growth_start() finds that
// footer by reading backwards. After 1 the old footer is the mark of an operation that is not complete: it goes last.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "vhd/byte_file.h"
#include "vhd/disk_write.h"
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
[[nodiscard]] bool is_unfinished_growth(const ByteFile& file, const GrowthStart& start, std::uint64_t old_payload);

/// Refuses a growth from `start` to `new_payload` bytes that could not be completed.
[[nodiscard]] Attempt<void> check_growth(const ByteFile& file, const GrowthStart& start, std::uint64_t new_payload);

/// The writes of steps 1 to 3, once `file` has at least `new_payload` bytes.
[[nodiscard]] Attempt<std::vector<DiskWrite>> plan_growth(const ByteFile& file, const GrowthStart& start,
                                                          std::uint64_t new_payload);

}  // namespace vhdboot::vhd
