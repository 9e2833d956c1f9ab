// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/volume_device.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <utility>

#include "base/text.h"

namespace vhdboot::vhdtool {

using tools::Access;
using tools::HostFile;
using vhd::Attempt;
using vhd::Reason;
using vhd::refuse;

Attempt<std::unique_ptr<VolumeDevice>> VolumeDevice::open(const std::string& path) {
  std::unique_ptr<VolumeDevice> device(new VolumeDevice);
  constexpr int kFlags = O_RDONLY | O_CLOEXEC;
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno("opening it");
  if (!S_ISBLK(status.st_mode)) {
    device->guard_ = TRY(HostFile::open(path, Access::Inspect));
    device->size_ = device->guard_->size();
    device->fd_ = Fd(::open(concat("/proc/self/fd/", device->guard_->descriptor()).c_str(), kFlags));
    if (!device->fd_.valid()) return fail_errno("opening it");
    return device;
  }
  if (const auto loop = tools::loop_device_of(status))
    return refuse(Reason::InUse, concat("/dev/", *loop, " shows it; detach it with `losetup -d /dev/", *loop, "`"));
  // O_EXCL on a block device: nobody else has it exclusively, as a mounted file system or device-mapper does.
  Fd fd(::open(path.c_str(), kFlags | O_EXCL));
  if (!fd.valid()) {
    if (errno != EBUSY) return fail_errno("opening it");
    return refuse(Reason::InUse, concat("it is mounted or another device lies on it; unmount it (`umount \"", path,
                                        "\"`), or name the file by its path there without --volume"));
  }
  device->fd_ = std::move(fd);
  if (::ioctl(device->fd_.get(), BLKGETSIZE64, &device->size_) != 0) return fail_errno("asking for its size");
  device->numbers_ = concat(major(status.st_rdev), ':', minor(status.st_rdev));
  return device;
}

Result<void> VolumeDevice::read(std::uint64_t offset, MutableBytes out) const {
  if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
  return read_at(fd_, offset, out);
}

}  // namespace vhdboot::vhdtool
