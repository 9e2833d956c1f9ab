// SPDX-License-Identifier: GPL-2.0-or-later
// Files on a device whose file system the firmware knows. Only ever read.
#pragma once

#include <string_view>

#include "efi/memory.h"
#include "efi/uefi.h"

namespace vhdboot::efi {

/// The longest path in bytes of UTF-8.
inline constexpr std::size_t kMaxFilePath = 4096 + 16;

/// The most entries of a folder that are looked at.
inline constexpr int kMaxFiles = 4096;

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

  /// Calls `take(name, size)` with each file in a folder, directories left out: at most kMaxFiles of its entries, as
  /// far as they can be read. Names are UTF-8.
  template <class Take>
  void for_each_file(std::string_view folder, const Take& take) const {
    const auto call = [](const void* context, std::string_view name, UINT64 size) {
      (*static_cast<const Take*>(context))(name, size);
    };
    read_folder(folder, call, &take);
  }

 private:
  void read_folder(std::string_view folder, void (*take)(const void*, std::string_view, UINT64),
                   const void* context) const;

  EFI_BOOT_SERVICES& boot_;
  EFI_FILE_HANDLE root_ = nullptr;
  EFI_STATUS status_ = EFI_UNSUPPORTED;
};

}  // namespace vhdboot::efi
