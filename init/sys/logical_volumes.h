// SPDX-License-Identifier: GPL-2.0-or-later
// Logical volumes of LVM as devices, to be read.
#pragma once

#include <string>
#include <vector>

#include "init/sys/block.h"
#include "init/sys/device_mapper.h"

namespace vhdboot::sys {

struct MappedVolume {
  std::string group;
  std::string name;
  MappedDevice device;  ///< read-only
};

struct LogicalVolumes {
  std::vector<MappedVolume> mapped;
  std::vector<std::string> not_linear;  ///< sentences: they are of a kind that is not mapped
  std::vector<std::string> problems;    ///< sentences: what should have been mapped, and why it is not
};

/// The linear logical volumes all of whose pieces lie on these devices, physical volumes, which must be there while the
/// devices are; disk::kMaxLogicalVolumes of all groups together. Nothing of LVM's own is needed, or told.
[[nodiscard]] LogicalVolumes map_logical_volumes(const std::vector<BlockDevice>& devices);

}  // namespace vhdboot::sys
