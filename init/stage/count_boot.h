// SPDX-License-Identifier: GPL-2.0-or-later
// Boot counting, see entry/boot_count.h: stage 1 takes a try, the guest gives it back.
#pragma once

#include "base/result.h"
#include "entry/guest_entry.h"
#include "init/stage/find_image.h"

namespace vhdboot::stage {

/// Takes one of the tries of `entry`: attaches the image for writing, renames the file, detaches. Call it last before
/// the jump, with nothing of the image attached.
[[nodiscard]] Result<void> count_boot(const entry::CountedFile& entry, const FoundImage& image,
                                      std::uint32_t guest_block);

}  // namespace vhdboot::stage
