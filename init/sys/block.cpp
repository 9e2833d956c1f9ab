// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/block.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <climits>
#include <cstdlib>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "base/units.h"
#include "init/sys/file.h"

namespace vhdboot::sys {

Result<BlockDevice> block_device(const std::string& name) {
  const std::string link = "/sys/class/block/" + name;
  char canonical[PATH_MAX];
  if (::realpath(link.c_str(), canonical) == nullptr) return fail_errno(concat("looking at the device ", name));
  BlockDevice device{.name = name, .path = "/dev/" + name, .sysfs = canonical};
  device.numbers = read_attribute(link + "/dev");
  device.size = parse_u64(read_attribute(link + "/size")).value_or(0) * kSectorSize;
  device.partition = static_cast<unsigned>(parse_u64(read_attribute(link + "/partition")).value_or(0));
  const std::string disk = device.partition == 0 ? device.sysfs : device.sysfs.substr(0, device.sysfs.rfind('/'));
  device.sequence = read_attribute(disk + "/diskseq");
  device.read_only = read_attribute(link + "/ro") == "1";
  device.logical_block =
      static_cast<unsigned>(parse_u64(read_attribute(disk + "/queue/logical_block_size")).value_or(kSectorSize));
  return device;
}

std::vector<BlockDevice> block_devices() {
  std::vector<BlockDevice> devices;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/sys/class/block"), &::closedir);
  if (!folder) return devices;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] == '.') continue;
    auto device = block_device(entry->d_name);
    if (device && device->size > 0) devices.push_back(*std::move(device));
  }
  std::ranges::sort(devices, {}, &BlockDevice::name);
  return devices;
}

Result<bool> is_read_only(const std::string& path) {
  const Fd device = TRY(open_file(path, O_RDONLY));
  int read_only = 0;
  if (::ioctl(device.get(), BLKROGET, &read_only) < 0) return fail_errno(path);
  return read_only != 0;
}

Result<void> make_read_only(const std::string& path) {
  const Fd device = TRY(open_file(path, O_RDONLY));
  const int read_only = 1;
  if (::ioctl(device.get(), BLKROSET, &read_only) < 0) return fail_errno(concat("making ", path, " read-only"));
  return {};
}

// The others have a parent in the hardware. The namespaces of an NVMe disk that may have several controllers hang at
// the disk as a whole: /sys/devices/virtual/nvme-subsystem.
bool is_virtual(const BlockDevice& device) {
  return device.sysfs.starts_with("/sys/devices/virtual/block/");
}

std::string disk_of(const BlockDevice& device) {
  const std::string disk = device.partition == 0 ? device.sysfs : device.sysfs.substr(0, device.sysfs.rfind('/'));
  return concat(disk, '#', device.sequence);
}

}  // namespace vhdboot::sys
