// SPDX-License-Identifier: GPL-2.0-or-later
// Names in the guest for its further disks, which do not depend on how many loop devices there are.
#pragma once

#include <string>
#include <vector>

#include "init/guest/host_mount_unit.h"

namespace vhdboot::guest {

/// The rule for udev that gives those of the guest's `disks` ("/dev/loop0") that come behind its own one, in their
/// order, and their partitions the names /dev/vhdboot/disk1 and /dev/vhdboot/disk1-part1.
[[nodiscard]] GuestFile disk_name_rules(const std::vector<std::string>& disks);

}  // namespace vhdboot::guest
