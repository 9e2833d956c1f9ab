// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a second image can hold what a guest that forgets keeps all the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/guest_disk.h"
#include "init/guest/other_disks.h"
#include "init/guest/root.h"

namespace vhdboot::guest {

/// The number of the partition with its file system: the only one; 0 where there is no partition table. Unsupported
/// when there are more, or none.
[[nodiscard]] Result<unsigned> persist_partition(const disk::PartitionTable& table);

/// `type` of what is on it, as libblkid says. Unsupported, with what to do, for no file system and for one that does
/// not keep owners, modes and names as a guest has them.
[[nodiscard]] Result<void> check_persist_type(std::string_view type);

/// Both for the disk in that image. Unsafe, too, when the guest might take one for the other: a file system on its own
/// disk, or in `further` on another one of its, has the same UUID or label.
[[nodiscard]] Result<void> check_persist(const disk::GuestDisk& persist, const disk::GuestDisk& own,
                                         const std::vector<PresentDevice>& further);

/// Whether the guest can keep the directories `paths`, as far as its root tells. Unsupported when its init is not
/// systemd, or its fstab mounts something else at one of them.
[[nodiscard]] Result<void> check_persist_paths(std::string_view paths, const RootTables& tables);

}  // namespace vhdboot::guest
