// SPDX-License-Identifier: GPL-2.0-or-later
// The second image of a guest that forgets, with the directories that it keeps, beside its own on the volume.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "disk/guest_disk.h"
#include "disk/partition_table.h"
#include "init/stage/find_image.h"
#include "init/stage/further_disks.h"
#include "init/sys/attached_disk.h"
#include "init/sys/console.h"
#include "init/sys/devices.h"

namespace vhdboot::stage {

/// Finds the one at the path `file` for the guest of `image`; nothing where there is no such file to be found. It has
/// passed the checks of an image that is written in place, is one file alone, and shares no byte with the others. Never
/// NotFound.
[[nodiscard]] Result<void> add_persist_image(FoundImage& image, const std::optional<std::string>& file);

/// Its disk.
struct PersistDisk {
  disk::PartitionTable table;
  std::unique_ptr<sys::AttachedDisk> disk;
  std::string device;  ///< with the file system: "/dev/loop1p1"
};

/// Attaches it beside the disk of the guest. Its header is written, where it has one that says so, unless it is only to
/// be read.
[[nodiscard]] Result<PersistDisk> attach_persist(const FoundImage& persist, bool read_only, bool trim);

/// Looks at it, attached as `disk`, beside the guest's `own` one and its further ones: the type of its file system. The
/// errors of guest::check_persist().
[[nodiscard]] Result<std::string> check_persist_disk(const sys::LoopDevice& disk, const disk::PartitionTable& table,
                                                     const disk::GuestDisk& own, const FurtherDisks& further,
                                                     const sys::Devices& devices, const sys::Reporter& report);

}  // namespace vhdboot::stage
