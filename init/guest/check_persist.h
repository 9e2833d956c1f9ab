// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a second image can hold what a guest that forgets keeps all the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/guest_disk.h"
#include "init/guest/root.h"

namespace vhdboot::guest {

/// The number of the partition with its file system: the only one; 0 where there is no partition table. Unsupported
/// when there are more, or none.
[[nodiscard]] Result<unsigned> persist_partition(const disk::PartitionTable& table);

/// `type` of what is on it, as libblkid says. Unsupported, with what to do, for no file system and for one that does
/// not keep owners, modes and names as a guest has them.
[[nodiscard]] Result<void> check_persist_type(std::string_view type);

/// Unsafe when the guest might take one for the other: a file system on its disk has the same UUID or label.
[[nodiscard]] Result<void> check_no_twin(const disk::Identity& persist, const disk::GuestDisk& disk);

/// Whether the guest can keep those directories, as far as its root tells. Unsupported when its init is not systemd, or
/// its fstab mounts something else at one of them.
[[nodiscard]] Result<void> check_persist_paths(const std::vector<std::string>& paths, const RootTables& tables);

}  // namespace vhdboot::guest
