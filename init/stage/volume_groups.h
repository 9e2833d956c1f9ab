// SPDX-License-Identifier: GPL-2.0-or-later
// LVM on the guest disk. LVM's udev rules (69-lvm.rules) take a loop device for one that is not set up yet, unless its
// image appears while udev looks on; and the partitions of one always. With a rule before them they do not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "init/guest/host_mount_unit.h"
#include "init/sys/devices.h"

namespace vhdboot::stage {

struct GuestVolumeGroups {
  guest::GuestFile rule;           ///< for udev
  std::vector<std::string> names;  ///< sorted, each once
};

/// Of the guest's `disks` ("/dev/loop0"); nothing when nothing on them is a physical volume.
[[nodiscard]] std::optional<GuestVolumeGroups> find_volume_groups(const std::vector<std::string>& disks,
                                                                  const sys::Devices& devices);

/// What lifts LVM's own hindrances (guest/lvm_config.h), by what the guest's initrd has of its configuration.
struct LvmOverrides {
  std::string for_root;                  ///< lines for the end of its lvmlocal.conf
  std::optional<std::string> in_initrd;  ///< the initrd's lvmlocal.conf with them; absent: nothing is hidden there
};

[[nodiscard]] LvmOverrides lvm_overrides_for(const std::vector<std::string>& disks, const GuestVolumeGroups& groups);

}  // namespace vhdboot::stage
