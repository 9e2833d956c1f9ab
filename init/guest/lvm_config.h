// SPDX-License-Identifier: GPL-2.0-or-later
// What keeps the guest's LVM from its own volume groups on this machine: a devices file that names disks by hardware
// that is not here (lvmdevices(8)), filters, lists of what is activated. Lines in a lvmlocal.conf, which LVM reads over
// its lvm.conf, lift that for the guest disk, in memory and while the guest starts; other disks stay out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "disk/lvm_text.h"
#include "init/guest/host_mount_unit.h"

namespace vhdboot::guest {

inline constexpr std::size_t kMaxLvmConfig = 1024 * 1024;  ///< bytes of a file of LVM's configuration

inline constexpr std::string_view kLvmConfig = "/etc/lvm/lvm.conf";
inline constexpr std::string_view kLvmLocalConfig = "/etc/lvm/lvmlocal.conf";
inline constexpr std::string_view kLvmDevicesFile = "/etc/lvm/devices/system.devices";
inline constexpr std::string_view kLvmOverrides = "/run/vhdboot/lvm.conf";

/// What both files say.
struct LvmConfig {
  disk::LvmSection usual;  ///< of lvm.conf
  disk::LvmSection local;  ///< of lvmlocal.conf
};

/// A text that is none of LVM's says nothing.
[[nodiscard]] LvmConfig read_lvm_config(std::string_view usual, std::string_view local);

/// Whether a configuration of LVM hides something.
[[nodiscard]] bool hides_devices(const LvmConfig& config);

/// The lines for the end of a lvmlocal.conf: the devices of the guest's `disks` ("/dev/loop0"), and what the guest
/// makes of them by device-mapper, pass whatever the guest's own filters let pass; no other does. `groups`: the volume
/// groups on those disks.
[[nodiscard]] std::string lvm_overrides(const LvmConfig& config, const std::vector<std::string>& disks,
                                        const std::vector<std::string>& groups);

/// `local_config` with those lines at its end. Those of an earlier time go.
[[nodiscard]] std::string with_overrides(std::string_view local_config, std::string_view overrides);

/// The units that put the guest's own lvmlocal.conf with the lines of kLvmOverrides in its place, where something is
/// hidden, before its udev starts, and take it away when its file systems are mounted: an initrd that is made later
/// would get a copy. The first is wanted by sysinit.target, the second by basic.target.
[[nodiscard]] std::vector<GuestFile> lvm_units();

}  // namespace vhdboot::guest
