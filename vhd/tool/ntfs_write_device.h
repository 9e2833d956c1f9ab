// SPDX-License-Identifier: GPL-2.0-or-later
// A ByteDevice as libntfs-3g's device, for reading and writing.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "init/volume/ntfs3g.h"
#include "vhd/tool/byte_device.h"

namespace vhdboot::tool {

class NtfsWriteDevice {
 public:
  /// `target` must outlive the device.
  explicit NtfsWriteDevice(ByteDevice& target) : target_(target) {}
  NtfsWriteDevice(const NtfsWriteDevice&) = delete;
  NtfsWriteDevice& operator=(const NtfsWriteDevice&) = delete;

  /// A device structure for ntfs_device_mount, which borrows this object; null without memory. Freed by ntfs_umount,
  /// or by discard() when mounting failed.
  [[nodiscard]] ntfs_device* allocate();
  static void discard(ntfs_device* device);

  /// For what the library does in several steps: from now on each write is on the disk before the next one.
  void begin_order();
  /// And if there were several, the last one is before what comes now. A single one needs no order.
  [[nodiscard]] Result<void> end_order();

  /// Whether anything was written, or may have been.
  [[nodiscard]] bool written() const { return written_; }

  /// The first error of the device itself.
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
  static NtfsWriteDevice& of(ntfs_device* device);

  /// `count` cut off at the end of the device; -1 with errno set when the place is none.
  [[nodiscard]] s64 clip(s64 count, s64 offset) const;
  int note(Error error);

  ByteDevice& target_;
  std::optional<Error> error_;
  s64 position_ = 0;
  bool ordered_ = false;
  std::uint64_t ordered_writes_ = 0;
  bool written_ = false;
};

}  // namespace vhdboot::tool
