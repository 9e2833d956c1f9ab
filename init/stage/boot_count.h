// SPDX-License-Identifier: GPL-2.0-or-later
// Boot counting (Boot Loader Specification; systemd's AUTOMATIC_BOOT_ASSESSMENT): an entry with tries left loses one
// when it is started, by a new name; a guest that comes up well takes the counter off again (systemd-bless-boot).
#pragma once

#include "base/result.h"
#include "init/guest/entry.h"
#include "init/stage/find_image.h"

namespace vhdboot::stage {

/// Takes one of the tries of `entry`: attaches the image for writing, renames the file, detaches. What a boot loader
/// tells a guest about that goes into EFI variables that last until the machine is switched off. Call it last before
/// the jump, with nothing of the image attached.
[[nodiscard]] Result<void> count_boot(const guest::CountedFile& entry, const FoundImage& image,
                                      std::uint32_t guest_block);

}  // namespace vhdboot::stage
