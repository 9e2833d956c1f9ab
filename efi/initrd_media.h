// SPDX-License-Identifier: GPL-2.0-or-later
// Offers the initramfs to the kernel's EFI stub, which asks LINUX_EFI_INITRD_MEDIA for it (Linux:
// drivers/firmware/efi/libstub/efi-stub-helper.c).
#pragma once

#include "base/bytes.h"
#include "efi/uefi.h"
#include "efi/vendor_path.h"

namespace vhdboot::efi {

/// Two parts, one behind the other with zeros between them up to a multiple of four. Borrows both; they and this object
/// must live until the kernel has taken over. Cannot move: the firmware keeps pointers into it.
class InitrdMedia {
 public:
  InitrdMedia(EFI_BOOT_SERVICES& boot, Bytes first, Bytes second);
  InitrdMedia(const InitrdMedia&) = delete;
  InitrdMedia& operator=(const InitrdMedia&) = delete;
  ~InitrdMedia();

  /// Whether the kernel will find it. EFI_ALREADY_STARTED: somebody else already offers an initramfs.
  [[nodiscard]] EFI_STATUS status() const { return status_; }

 private:
  static EFI_STATUS EFIAPI load_file(LoadFile2Protocol* self, EFI_DEVICE_PATH* path, BOOLEAN boot_policy, UINTN* size,
                                     void* buffer);
  [[nodiscard]] std::size_t padding() const;
  [[nodiscard]] std::size_t total() const { return first_.size() + padding() + second_.size(); }

  /// What the firmware knows; carries the way back to its owner.
  struct Interface {
    LoadFile2Protocol protocol;
    InitrdMedia* owner;
  };

  EFI_BOOT_SERVICES& boot_;
  Bytes first_;
  Bytes second_;
  VendorPath path_;
  Interface interface_;
  EFI_HANDLE handle_ = nullptr;
  EFI_STATUS status_;
};

}  // namespace vhdboot::efi
