// SPDX-License-Identifier: GPL-2.0-or-later
// The loop engine: the host volume is mounted in the guest's kernel, and somebody has to put it into the guest's
// directory tree and to leave the exitrd that takes it down again.
#pragma once

#include "base/result.h"
#include "init/core/attach_plan.h"
#include "init/core/handoff.h"
#include "init/stage/find_image.h"
#include "init/sys/console.h"

namespace vhdboot::stage {

/// Mounts the host volume read-write, out of every directory, attaches the image on it, and starts a keeper
/// (see keeper.h) that waits until the guest's init has switched to its own root, shows the volume there (host-mount),
/// and puts this program where init looks for the exitrd (/run/initramfs/shutdown).
[[nodiscard]] Result<std::string> attach_on_mounted_volume(const core::AttachPlan& plan, const FoundImage& image,
                                                           const core::Handoff& handoff, char* argv0,
                                                           const sys::Reporter& report);

}  // namespace vhdboot::stage
