// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/ntfs_write_device.h"

#include <algorithm>
#include <utility>

namespace vhdboot::tool {

ntfs_device* NtfsWriteDevice::allocate() {
  static ntfs_device_operations operations{open, close, seek, read, write, pread, pwrite, sync, stat, ioctl};
  return ntfs_device_alloc("volume", 0, &operations, this);
}

void NtfsWriteDevice::discard(ntfs_device* device) {
  NDevClearOpen(device);
  ntfs_device_free(device);
}

NtfsWriteDevice& NtfsWriteDevice::of(ntfs_device* device) {
  return *static_cast<NtfsWriteDevice*>(device->d_private);
}

int NtfsWriteDevice::note(Error error) {
  errno = error.sys_errno != 0 ? error.sys_errno : EIO;
  if (!error_) error_ = std::move(error);
  return -1;
}

void NtfsWriteDevice::begin_order() {
  ordered_ = true;
  ordered_writes_ = 0;
}

Result<void> NtfsWriteDevice::end_order() {
  ordered_ = false;
  if (ordered_writes_ < 2) return {};
  auto done = target_.sync();
  if (!done) note(done.error());
  return done;
}

s64 NtfsWriteDevice::clip(s64 count, s64 offset) const {
  if (count < 0 || offset < 0) {
    errno = EINVAL;
    return -1;
  }
  const auto size = static_cast<s64>(target_.size());
  return offset >= size ? 0 : std::min(count, size - offset);
}

int NtfsWriteDevice::open(ntfs_device* device, int) {
  if (NDevOpen(device)) {
    errno = EBUSY;
    return -1;
  }
  NDevSetOpen(device);
  return 0;
}

int NtfsWriteDevice::close(ntfs_device* device) {
  NDevClearOpen(device);
  return sync(device);
}

s64 NtfsWriteDevice::seek(ntfs_device* device, s64 offset, int whence) {
  NtfsWriteDevice& self = of(device);
  s64 base = 0;
  if (whence == SEEK_CUR) base = self.position_;
  if (whence == SEEK_END) base = static_cast<s64>(self.target_.size());
  s64 to = 0;
  if (__builtin_add_overflow(base, offset, &to) || to < 0 || to > static_cast<s64>(self.target_.size())) {
    errno = EINVAL;
    return -1;
  }
  self.position_ = to;
  return to;
}

s64 NtfsWriteDevice::read(ntfs_device* device, void* out, s64 count) {
  NtfsWriteDevice& self = of(device);
  const s64 got = pread(device, out, count, self.position_);
  if (got > 0) self.position_ += got;
  return got;
}

s64 NtfsWriteDevice::write(ntfs_device* device, const void* in, s64 count) {
  NtfsWriteDevice& self = of(device);
  const s64 put = pwrite(device, in, count, self.position_);
  if (put > 0) self.position_ += put;
  return put;
}

s64 NtfsWriteDevice::pread(ntfs_device* device, void* out, s64 count, s64 offset) {
  NtfsWriteDevice& self = of(device);
  const s64 length = self.clip(count, offset);
  if (length <= 0) return length;
  const auto done = self.target_.read(static_cast<std::uint64_t>(offset),
                                      {static_cast<std::byte*>(out), static_cast<std::size_t>(length)});
  return done ? length : self.note(done.error());
}

s64 NtfsWriteDevice::pwrite(ntfs_device* device, const void* in, s64 count, s64 offset) {
  NtfsWriteDevice& self = of(device);
  if (NDevReadOnly(device)) {
    errno = EROFS;
    return -1;
  }
  const s64 length = self.clip(count, offset);
  if (length <= 0) return length;
  if (self.ordered_ && self.ordered_writes_++ > 0 && sync(device) != 0) return -1;
  self.written_ = true;
  const auto done = self.target_.write(static_cast<std::uint64_t>(offset),
                                       {static_cast<const std::byte*>(in), static_cast<std::size_t>(length)});
  return done ? length : self.note(done.error());
}

int NtfsWriteDevice::sync(ntfs_device* device) {
  NtfsWriteDevice& self = of(device);
  const auto done = self.target_.sync();
  return done ? 0 : self.note(done.error());
}

int NtfsWriteDevice::stat(ntfs_device* device, struct stat* out) {
  *out = {};
  out->st_mode = S_IFREG | S_IRUSR | S_IWUSR;
  out->st_size = static_cast<off_t>(of(device).target_.size());
  return 0;
}

int NtfsWriteDevice::ioctl(ntfs_device*, unsigned long, void*) {
  errno = EOPNOTSUPP;
  return -1;
}

}  // namespace vhdboot::tool
