// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/volume_groups.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/text.h"
#include "disk/lvm_label.h"
#include "init/guest/lvm_config.h"
#include "init/sys/file.h"

namespace vhdboot::stage {

std::optional<GuestVolumeGroups> find_volume_groups(const std::vector<std::string>& disks,
                                                    const sys::Devices& devices) {
  bool has_physical_volume = false;
  std::set<std::string> names;
  for (const sys::BlockDevice& device : devices.list()) {
    const auto is_of = [&](const std::string& disk) {
      return device.path == disk || device.path.starts_with(disk + "p");
    };
    if (std::ranges::none_of(disks, is_of)) continue;
    const auto source = sys::FdSource::open(device.path);
    if (!source || !disk::has_lvm_label(**source)) continue;
    if (devices.content(device).value_or(sys::Content()).type != "LVM2_member") continue;
    has_physical_volume = true;
    if (auto name = disk::read_volume_group(**source)) names.insert(*std::move(name));
  }
  if (!has_physical_volume) return std::nullopt;
  std::string kernels;
  for (const std::string& disk : disks) {
    const std::string name = disk.substr(disk.find_last_of('/') + 1);
    kernels += concat(kernels.empty() ? "" : "|", name, '|', name, "p[0-9]*");
  }
  return GuestVolumeGroups{
      .rule =
          {"68-vhdboot-lvm.rules",
           concat(
               "# From vhdboot, in memory: this disk is there from the start, and so are its partitions.\nKERNEL==\"",
               kernels, "\", ENV{LVM_LOOP_PV_ACTIVATED}=\"1\"\n")},
      .names = {names.begin(), names.end()}};
}

LvmOverrides lvm_overrides_for(const std::vector<std::string>& disks, const GuestVolumeGroups& groups) {
  const auto read = [](std::string_view path) {
    return sys::read_text(std::string(path), guest::kMaxLvmConfig).value_or("");
  };
  const std::string local = guest::with_overrides(read(guest::kLvmLocalConfig), "");  // as the guest has it
  const guest::LvmConfig config = guest::read_lvm_config(read(guest::kLvmConfig), local);
  LvmOverrides overrides{.for_root = guest::lvm_overrides(config, disks, groups.names), .in_initrd = {}};
  if (guest::hides_devices(config) || sys::exists(std::string(guest::kLvmDevicesFile)))
    overrides.in_initrd = guest::with_overrides(local, overrides.for_root);
  return overrides;
}

}  // namespace vhdboot::stage
