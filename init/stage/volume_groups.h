// SPDX-License-Identifier: GPL-2.0-or-later
// LVM on the guest disk. LVM's udev rules (69-lvm.rules) take a loop device for one that is not set up yet, unless its
// image appears while udev looks on; and the partitions of one always. With a rule before them they do not.
#pragma once

#include <string>

#include "base/result.h"

namespace vhdboot::stage {

/// The file name of that rule, for a folder of udev's.
inline constexpr char kVolumeGroupRule[] = "68-vhdboot-lvm.rules";

/// The rule for the guest disk `disk` ("/dev/loop0"); empty when nothing on it is a physical volume.
[[nodiscard]] std::string volume_group_rule(const std::string& disk);

/// Gives it to the guest's initrd, in memory.
[[nodiscard]] Result<void> give_to_initrd(const std::string& rule);

}  // namespace vhdboot::stage
