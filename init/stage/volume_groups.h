// SPDX-License-Identifier: GPL-2.0-or-later
// LVM on the guest disk. LVM's udev rules (69-lvm.rules) take a loop device for one that is not set up yet, unless its
// image appears while udev looks on; and the partitions of one always. With a rule before them they do not.
#pragma once

#include <optional>
#include <string>

#include "init/guest/host_mount_unit.h"

namespace vhdboot::stage {

/// The rule for the guest disk `disk` ("/dev/loop0"); none when nothing on it is a physical volume.
[[nodiscard]] std::optional<guest::GuestFile> volume_group_rule(const std::string& disk);

}  // namespace vhdboot::stage
