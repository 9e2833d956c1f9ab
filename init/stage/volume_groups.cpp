// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/volume_groups.h"

#include <cstdlib>
#include <optional>
#include <vector>

#include "base/text.h"
#include "init/sys/block.h"
#include "init/sys/file.h"
#include "init/sys/process.h"

namespace vhdboot::stage {
namespace {

constexpr char kNoUdev[] = "DM_DISABLE_UDEV";  // libdevmapper
constexpr char kInitramfsTools[] = "/scripts/local";

std::optional<std::string> lvm_program() {
  for (const char* path : {"/sbin/lvm", "/usr/sbin/lvm"})
    if (sys::exists(path)) return path;
  return std::nullopt;
}

// The disk and its partitions, those that are physical volumes.
std::vector<std::string> physical_volumes(const std::string& disk) {
  std::vector<std::string> found;
  for (const sys::BlockDevice& device : sys::block_devices())
    if ((device.path == disk || device.path.starts_with(disk + "p")) && sys::identify(device).type == "LVM2_member")
      found.push_back(device.path);
  return found;
}

}  // namespace

void activate_volume_groups(const std::string& disk, const sys::Reporter& report) {
  const auto lvm = lvm_program();
  if (!lvm || !sys::exists(kInitramfsTools)) return;
  const auto volumes = physical_volumes(disk);
  if (volumes.empty()) return;
  // Those of the guest disk alone: other volume groups of the machine are not ours to touch.
  std::vector<std::string> command{*lvm, "vgchange", "--activate", "ay", "--sysinit", "--quiet"};
  for (const std::string& volume : volumes) command.insert(command.end(), {"--devices", volume});
  // There is no udev yet: LVM is to make the device nodes itself. The guest's init inherits nothing of it.
  ::setenv(kNoUdev, "1", 1);
  const auto status = sys::run(command);
  ::unsetenv(kNoUdev);
  if (!status) report.warn(status.error().message());
  if (status && *status != 0) report.warn(concat("activating the guest's volume groups: lvm ended with ", *status));
}

}  // namespace vhdboot::stage
