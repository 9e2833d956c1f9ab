// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/present_device.h"

#include <utility>

#include "disk/lvm_label.h"
#include "disk/volume_group.h"
#include "init/sys/file.h"

namespace vhdboot::stage {

guest::PresentDevice present_device(const std::string& path, std::string shown, std::uint64_t size,
                                    sys::Content content) {
  guest::PresentDevice device{.path = std::move(shown),
                              .size = size,
                              .type = std::move(content.type),
                              .identity = std::move(content.identity),
                              .volume_group = {},
                              .group_id = {}};
  if (device.type != "LVM2_member") return device;
  const auto source = sys::FdSource::open(path);
  if (!source) return device;
  device.volume_group = disk::read_volume_group(**source).value_or("");
  if (const auto text = disk::read_physical_volume(**source))
    if (auto group = disk::parse_volume_group(text->metadata)) device.group_id = std::move(group->id);
  return device;
}

}  // namespace vhdboot::stage
