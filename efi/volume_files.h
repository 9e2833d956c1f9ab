// SPDX-License-Identifier: GPL-2.0-or-later
// Files on a device whose file system the firmware knows. Only ever read.
#pragma once

#include <string_view>

#include "efi/memory.h"
#include "efi/uefi.h"

namespace vhdboot::efi {

/// The longest path in bytes of UTF-8.
inline constexpr std::size_t kMaxFilePath = 4096 + 16;

/// A whole file, or why there is none of it.
struct FileContents {
  EFI_STATUS status = EFI_SUCCESS;
  PoolBytes memory;
  Bytes bytes;  ///< within `memory`
};

class VolumeFiles {
 public:
  /// `device` may be null.
  VolumeFiles(EFI_BOOT_SERVICES& boot, EFI_HANDLE device);
  VolumeFiles(const VolumeFiles&) = delete;
  VolumeFiles& operator=(const VolumeFiles&) = delete;
  ~VolumeFiles();

  /// EFI_UNSUPPORTED when the firmware knows no file system there, which is usual for NTFS and exFAT.
  [[nodiscard]] EFI_STATUS status() const { return status_; }

  /// EFI_NOT_FOUND when there is no such file. Paths are UTF-8 with '/', of at most kMaxFilePath bytes.
  [[nodiscard]] EFI_STATUS look_for(std::string_view path) const;

  /// A whole file. EFI_BUFFER_TOO_SMALL when it is larger than `cap` bytes, EFI_UNSUPPORTED when it is a directory.
  [[nodiscard]] FileContents read(std::string_view path, std::size_t cap) const;

 private:
  EFI_BOOT_SERVICES& boot_;
  EFI_FILE_HANDLE root_ = nullptr;
  EFI_STATUS status_ = EFI_UNSUPPORTED;
};

}  // namespace vhdboot::efi
