// SPDX-License-Identifier: GPL-2.0-or-later
// What keeps the guest's LVM from its own volume groups on this machine: a devices file that names disks by hardware
// that is not here (lvmdevices(8)), filters, lists of what is activated. A lvmlocal.conf in memory, which LVM reads
// over its lvm.conf, lifts that for the guest disk.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "init/guest/host_mount_unit.h"

namespace vhdboot::guest {

inline constexpr std::size_t kMaxLvmConfig = 1024 * 1024;  ///< bytes of a file of LVM's configuration

inline constexpr std::string_view kLvmLocalConfig = "/etc/lvm/lvmlocal.conf";
inline constexpr std::string_view kLvmDevicesFile = "/etc/lvm/devices/system.devices";
inline constexpr std::string_view kLvmLocalInRun = "/run/vhdboot/lvmlocal.conf";

struct LvmLocalConfig {
  std::string text;
  /// Whether the guest's configuration hides something; else only a devices file does, where there is one.
  bool is_needed = false;

  friend bool operator==(const LvmLocalConfig&, const LvmLocalConfig&) = default;
};

/// A lvmlocal.conf for the guest disk `disk` ("/dev/loop0") with these volume groups: what the guest's own one has, and
/// what is needed beside it and its lvm.conf. A text that is none of LVM's counts as empty.
[[nodiscard]] LvmLocalConfig lvm_local_config(std::string_view lvm_config, std::string_view local_config,
                                              std::string_view disk, const std::vector<std::string>& groups);

/// The unit that puts the file of kLvmLocalInRun over the guest's own one before its udev starts, if it is needed;
/// nothing is done where there is none.
[[nodiscard]] GuestFile lvm_config_unit(const LvmLocalConfig& config);

}  // namespace vhdboot::guest
