// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/volume_groups.h"

#include <algorithm>

#include "base/text.h"
#include "disk/lvm_label.h"
#include "init/sys/block.h"
#include "init/sys/file.h"

namespace vhdboot::stage {

std::optional<guest::GuestFile> volume_group_rule(const std::string& disk) {
  const auto is_physical_volume = [&](const sys::BlockDevice& device) {
    if (device.path != disk && !device.path.starts_with(disk + "p")) return false;
    const auto source = sys::FdSource::open(device.path);
    return source && disk::has_lvm_label(**source) &&
           sys::identify(device).value_or(sys::Content()).type == "LVM2_member";
  };
  if (std::ranges::none_of(sys::block_devices(), is_physical_volume)) return std::nullopt;
  const std::string name = disk.substr(disk.find_last_of('/') + 1);
  return guest::GuestFile{
      "68-vhdboot-lvm.rules",
      concat("# From vhdboot, in memory: this disk is there from the start, and so are its partitions.\nKERNEL==\"",
             name, '|', name, "p[0-9]*\", ENV{LVM_LOOP_PV_ACTIVATED}=\"1\"\n")};
}

}  // namespace vhdboot::stage
