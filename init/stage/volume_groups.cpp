// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/volume_groups.h"

#include <algorithm>

#include "base/text.h"
#include "init/core/lvm_label.h"
#include "init/sys/block.h"
#include "init/sys/file.h"

namespace vhdboot::stage {
namespace {

constexpr char kInitrdFolder[] = "/etc/udev/rules.d";

}  // namespace

std::string volume_group_rule(const std::string& disk) {
  const auto is_physical_volume = [&](const sys::BlockDevice& device) {
    if (device.path != disk && !device.path.starts_with(disk + "p")) return false;
    const auto source = sys::FdSource::open(device.path);
    return source && core::has_lvm_label(**source) && sys::identify(device).type == "LVM2_member";
  };
  if (std::ranges::none_of(sys::block_devices(), is_physical_volume)) return "";
  const std::string name = disk.substr(disk.find_last_of('/') + 1);
  return concat("# From vhdboot, in memory: this disk is there from the start, and so are its partitions.\nKERNEL==\"",
                name, '|', name, "p[0-9]*\", ENV{LVM_LOOP_PV_ACTIVATED}=\"1\"\n");
}

Result<void> give_to_initrd(const std::string& rule) {
  TRY(sys::make_directories(kInitrdFolder));
  return sys::write_file(concat(kInitrdFolder, '/', kVolumeGroupRule), as_bytes(rule));
}

}  // namespace vhdboot::stage
