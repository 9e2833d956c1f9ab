// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/running_system.h"

#include "base/fd.h"

namespace vhdboot::command {

std::vector<tools::MountedVolume> RunningSystem::mounts() const {
  const auto text = read_text(at("/proc/self/mountinfo"), tools::kMaxMountTable);
  return text ? tools::parse_mount_table(*text) : std::vector<tools::MountedVolume>();
}

}  // namespace vhdboot::command
