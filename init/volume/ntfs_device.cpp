// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/ntfs_device.h"

#include <algorithm>
#include <utility>

namespace vhdboot::volume {

ntfs_device* NtfsDevice::allocate() {
  static ntfs_device_operations operations{open, close, seek, read, write, pread, pwrite, sync, stat, ioctl};
  return ntfs_device_alloc("volume", 0, &operations, this);
}

void NtfsDevice::discard(ntfs_device* device) {
  NDevClearOpen(device);
  ntfs_device_free(device);
}

void NtfsDevice::begin(std::uint32_t reads) {
  error_.reset();
  reads_left_ = reads;
}

NtfsDevice& NtfsDevice::of(ntfs_device* device) {
  return *static_cast<NtfsDevice*>(device->d_private);
}

int NtfsDevice::open(ntfs_device* device, int flags) {
  if (NDevOpen(device)) {
    errno = EBUSY;
    return -1;
  }
  if ((flags & O_ACCMODE) != O_RDONLY) {
    errno = EROFS;
    return -1;
  }
  NDevSetOpen(device);
  NDevSetReadOnly(device);
  return 0;
}

int NtfsDevice::close(ntfs_device* device) {
  NDevClearOpen(device);
  return 0;
}

s64 NtfsDevice::seek(ntfs_device* device, s64 offset, int whence) {
  NtfsDevice& self = of(device);
  const auto size = static_cast<s64>(self.source_.size());
  s64 base = 0;
  if (whence == SEEK_CUR) base = static_cast<s64>(self.position_);
  if (whence == SEEK_END) base = size;
  s64 target = 0;
  if (__builtin_add_overflow(base, offset, &target) || target < 0 || target > size) {
    errno = EINVAL;
    return -1;
  }
  self.position_ = static_cast<std::uint64_t>(target);
  return target;
}

s64 NtfsDevice::read(ntfs_device* device, void* out, s64 count) {
  NtfsDevice& self = of(device);
  const s64 got = self.read_at(out, count, static_cast<s64>(self.position_));
  if (got > 0) self.position_ += static_cast<std::uint64_t>(got);
  return got;
}

s64 NtfsDevice::pread(ntfs_device* device, void* out, s64 count, s64 offset) {
  return of(device).read_at(out, count, offset);
}

s64 NtfsDevice::read_at(void* out, s64 count, s64 offset) {
  if (count < 0 || offset < 0) {
    errno = EINVAL;
    return -1;
  }
  if (reads_left_ == 0) {
    if (!error_) error_ = Error{Code::Corrupt, 0, "its metadata never come to an end"};
    errno = EIO;
    return -1;
  }
  --reads_left_;
  const std::uint64_t size = source_.size();
  const auto start = static_cast<std::uint64_t>(offset);
  if (start >= size) return 0;
  const std::uint64_t length = std::min(static_cast<std::uint64_t>(count), size - start);
  if (auto result = source_.read(start, {static_cast<std::byte*>(out), static_cast<std::size_t>(length)}); !result) {
    error_ = std::move(result).error();
    errno = EIO;
    return -1;
  }
  return static_cast<s64>(length);
}

s64 NtfsDevice::write(ntfs_device*, const void*, s64) {
  errno = EROFS;
  return -1;
}

s64 NtfsDevice::pwrite(ntfs_device*, const void*, s64, s64) {
  errno = EROFS;
  return -1;
}

int NtfsDevice::sync(ntfs_device*) {
  return 0;
}

int NtfsDevice::stat(ntfs_device* device, struct stat* out) {
  *out = {};
  out->st_mode = S_IFREG | S_IRUSR;
  out->st_size = static_cast<off_t>(of(device).source_.size());
  return 0;
}

int NtfsDevice::ioctl(ntfs_device*, unsigned long, void*) {
  errno = EOPNOTSUPP;
  return -1;
}

}  // namespace vhdboot::volume
