// SPDX-License-Identifier: GPL-2.0-or-later
// The second image of a guest that forgets, with the directories that it keeps, beside its own on the volume.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "disk/selector.h"
#include "init/blocks/attach_plan.h"
#include "init/stage/find_image.h"
#include "init/sys/attached_disk.h"
#include "init/sys/console.h"
#include "init/sys/devices.h"

namespace vhdboot::stage {

/// The device-mapper name of its disk.
inline constexpr char kPersistName[] = "vhdboot-persist";

/// The image with the one at the path `file`; without one as it is. That has passed the checks of an image that is
/// written in place, is one file alone, and shares no byte with the others. Never NotFound.
[[nodiscard]] Result<FoundImage> with_persist_image(FoundImage image, const std::optional<std::string>& file);

/// What its file system is known by. `attach`: attach_image() or attach_to_look(), read-only; it is detached again.
/// Unsupported, with what to do, unless it holds one file system, on its only partition or without a partition table,
/// which is one of Linux and can keep what a guest has.
[[nodiscard]] Result<disk::Identity> identify_persist(const FoundImage& persist,
                                                      Result<sys::AttachedDisk> (*attach)(const blocks::AttachPlan&,
                                                                                          const FoundImage&),
                                                      const sys::Devices& devices, const sys::Reporter& report);

/// The disk of the guest, to be written to.
struct PersistDisk {
  sys::AttachedDisk disk;
  std::string device;  ///< with its file system: "/dev/loop1p1"
};

[[nodiscard]] Result<PersistDisk> attach_persist(const FoundImage& persist, bool trim);

}  // namespace vhdboot::stage
