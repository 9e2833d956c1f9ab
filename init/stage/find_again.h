// SPDX-License-Identifier: GPL-2.0-or-later
// The image that stage 1 chose, found again by stage 2.
#pragma once

#include "base/result.h"
#include "init/record/handoff.h"
#include "init/stage/find_image.h"
#include "init/stage/host_volumes.h"
#include "init/sys/console.h"

namespace vhdboot::stage {

/// The volumes of the files of the handoff.
struct VolumesAgain {
  HostVolume* image = nullptr;
  HostVolume* parents = nullptr;  ///< that of parents which lie on another one; null when none does
};

/// They, as soon as their disks appear. NotFound when one does not in time; Unsafe when two have its identity; the
/// disk's own error when one that may be it cannot be read.
[[nodiscard]] Result<VolumesAgain> find_volumes(HostVolumes& volumes, const record::Handoff& handoff,
                                                const sys::Reporter& report);

/// Looks at the image and its parents, its scratch file and its further disks once more: what stage 1 found must still
/// be true, by this kernel's own reading of the disks. Unsafe when it is not.
[[nodiscard]] Result<FoundImage> find_same_image(const VolumesAgain& volumes, const record::Handoff& handoff);

}  // namespace vhdboot::stage
