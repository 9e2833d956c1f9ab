// SPDX-License-Identifier: GPL-2.0-or-later
// A found image as a disk.
#pragma once

#include "base/result.h"
#include "init/blocks/attach_plan.h"
#include "init/stage/find_image.h"
#include "init/sys/attached_disk.h"

namespace vhdboot::stage {

/// The plan for a found image.
[[nodiscard]] Result<blocks::AttachPlan> plan_attachment(const FoundImage& image, bool read_only,
                                                         std::uint32_t guest_block);

/// Attaches it for a boot.
[[nodiscard]] Result<sys::AttachedDisk> attach_image(const blocks::AttachPlan& plan, const FoundImage& image);

/// Attaches it for a look beside a running system, which may have a guest disk attached under the name that a boot
/// gives it.
[[nodiscard]] Result<sys::AttachedDisk> attach_to_look(const blocks::AttachPlan& plan, const FoundImage& image);

/// Makes the host device of the volume that the image lies on and keeps it with the disk.
[[nodiscard]] Result<void> add_host_device(sys::AttachedDisk& disk, const blocks::AttachPlan& plan,
                                           const FoundImage& image, bool read_only);

}  // namespace vhdboot::stage
