// SPDX-License-Identifier: GPL-2.0-or-later
// A found image as a disk.
#pragma once

#include <vector>

#include "base/range.h"
#include "base/result.h"
#include "init/blocks/attach_plan.h"
#include "init/record/config.h"
#include "init/stage/find_image.h"
#include "init/sys/attached_disk.h"

namespace vhdboot::stage {

/// The device-mapper name of a guest disk.
inline constexpr char kMapName[] = "vhdboot";
/// That of the snapshot in one of which some parts do not forget.
inline constexpr char kForgettingName[] = "vhdboot-forgets";

/// Whether there is a place for what the guest writes; Unsupported when there is none.
[[nodiscard]] Result<void> check_writer(const FoundImage& image, const record::Config& config);

/// The plan for a found image; for writing it may be one that grows. Unsupported, for writing, when there is no place
/// for what the guest writes.
[[nodiscard]] Result<blocks::AttachPlan> plan_attachment(const FoundImage& image, bool read_only,
                                                         std::uint32_t guest_block);

/// The plan for a folder, which is read-only. Warns of a dirty volume.
[[nodiscard]] Result<blocks::AttachPlan> plan_folder(const FoundImage& image, std::uint32_t guest_block);

/// The plan for how the guest will have it, before it is started: with its writer, and read-only otherwise. Warns of
/// what the configuration asks for and is not done. Errors of blocks::memory_writer(), too.
[[nodiscard]] Result<blocks::AttachPlan> plan_for_guest(const FoundImage& image, const record::Config& config,
                                                        std::uint32_t guest_block);

/// The plan for a guest that forgets what it writes, but for those bytes of its disk.
[[nodiscard]] Result<blocks::AttachPlan> plan_to_forget(const FoundImage& image, const record::Ephemeral& ephemeral,
                                                        std::vector<Range> kept, std::uint32_t guest_block);

/// The same disk, to be read alone.
[[nodiscard]] blocks::AttachPlan read_only(blocks::AttachPlan plan);

/// Attaches it for a boot. Not of a plan that grows.
[[nodiscard]] Result<sys::AttachedDisk> attach_image(const blocks::AttachPlan& plan, const FoundImage& image);

/// The same of a plan that grows, where the disk is the device at `device` (growing_disk.h).
[[nodiscard]] Result<sys::AttachedDisk> attach_above(const blocks::AttachPlan& plan, const FoundImage& image,
                                                     const std::string& device);

/// Attaches it for a look beside a running system, which may have a guest disk attached under the name that a boot
/// gives it. `number`: to tell several ones of this process apart.
[[nodiscard]] Result<sys::AttachedDisk> attach_to_look(const blocks::AttachPlan& plan, const FoundImage& image,
                                                       std::size_t number = 0);

/// Keeps the volume of parents that lie elsewhere as it is: nobody can write to it, of which the kernel is asked, and
/// nobody mount it as long as the device lives. Empty when all lie on the volume of the image.
[[nodiscard]] Result<sys::MappedStack> hold_other_volume(const FoundImage& image);

/// Makes the host device of the volume that the image lies on and keeps it with the disk.
[[nodiscard]] Result<void> add_host_device(sys::AttachedDisk& disk, const blocks::AttachPlan& plan,
                                           const FoundImage& image, bool read_only);

}  // namespace vhdboot::stage
