// SPDX-License-Identifier: GPL-2.0-or-later
// LVM on the guest disk.
#pragma once

#include <string>

#include "init/sys/console.h"

namespace vhdboot::stage {

/// Activates the volume groups on the partitions of the guest disk `disk` ("/dev/loop0"), by the program in the guest's
/// own initrd, where that initrd would wait for them in vain: the udev rules of LVM pass over loop devices that are
/// there before udev (69-lvm.rules). initramfs-tools counts on these rules alone; dracut looks itself.
/// What fails is reported: whether the root is found decides.
void activate_volume_groups(const std::string& disk, const sys::Reporter& report);

}  // namespace vhdboot::stage
