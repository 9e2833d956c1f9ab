// SPDX-License-Identifier: GPL-2.0-or-later
// A ByteSource as libntfs-3g's device. Nothing can be written through it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/byte_source.h"
#include "base/error.h"
#include "init/volume/ntfs3g.h"

namespace vhdboot::volume {

class NtfsDevice {
 public:
  /// `source` must outlive the device.
  explicit NtfsDevice(const ByteSource& source) : source_(source) {}
  NtfsDevice(const NtfsDevice&) = delete;
  NtfsDevice& operator=(const NtfsDevice&) = delete;

  /// A device structure for ntfs_device_mount, which borrows this object; null without memory. Freed by ntfs_umount,
  /// or by discard() when mounting failed.
  [[nodiscard]] ntfs_device* allocate();
  static void discard(ntfs_device* device);

  /// Before each use of the library: forgets the last error and allows `reads` reads. A tree that points back into
  /// itself would otherwise keep the library reading for ever.
  void begin(std::uint32_t reads);

  /// Why the device failed since begin(): the source's own error, or that the reads ran out.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  static int open(ntfs_device* device, int flags);
  static int close(ntfs_device* device);
  static s64 seek(ntfs_device* device, s64 offset, int whence);
  static s64 read(ntfs_device* device, void* out, s64 count);
  static s64 write(ntfs_device* device, const void* in, s64 count);
  static s64 pread(ntfs_device* device, void* out, s64 count, s64 offset);
  static s64 pwrite(ntfs_device* device, const void* in, s64 count, s64 offset);
  static int sync(ntfs_device* device);
  static int stat(ntfs_device* device, struct stat* out);
  static int ioctl(ntfs_device* device, unsigned long request, void* argument);
  static NtfsDevice& of(ntfs_device* device);

  s64 read_at(void* out, s64 count, s64 offset);

  const ByteSource& source_;
  std::optional<Error> error_;
  std::uint32_t reads_left_ = 0;
  std::uint64_t position_ = 0;
};

}  // namespace vhdboot::volume
