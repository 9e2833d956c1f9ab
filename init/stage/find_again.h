// SPDX-License-Identifier: GPL-2.0-or-later
// The image that stage 1 chose, found again by stage 2.
#pragma once

#include "base/result.h"
#include "init/record/handoff.h"
#include "init/stage/find_image.h"
#include "init/stage/host_volumes.h"
#include "init/sys/console.h"

namespace vhdboot::stage {

/// The volume of the handoff, as soon as its disk appears. NotFound when it does not in time; Unsafe when two have its
/// identity; the disk's own error when one that may be it cannot be read.
[[nodiscard]] Result<HostVolume*> find_volume(HostVolumes& volumes, const record::Handoff& handoff,
                                              const sys::Reporter& report);

/// Looks at the image and its parents, its scratch file and its further disks once more: what stage 1 found must still
/// be true, by this kernel's own reading of the disk. Unsafe when it is not.
[[nodiscard]] Result<FoundImage> find_same_image(HostVolume& volume, const record::Handoff& handoff);

}  // namespace vhdboot::stage
