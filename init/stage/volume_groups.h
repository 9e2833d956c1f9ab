// SPDX-License-Identifier: GPL-2.0-or-later
// LVM on the guest disk.
#pragma once

#include <string>

#include "base/result.h"

namespace vhdboot::stage {

/// Sees to it that the guest's initrd activates the volume groups on the partitions of the guest disk `disk`
/// ("/dev/loop0"). LVM's udev rules (69-lvm.rules) pass over loop devices that are there before udev, and
/// initramfs-tools counts on these rules alone; so it gets a script more, in memory, that runs the guest's own lvm once
/// udev is there. Nothing is done for other initrds: dracut looks for itself.
[[nodiscard]] Result<void> ask_for_volume_groups(const std::string& disk);

}  // namespace vhdboot::stage
