// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/initrd_media.h"

#include "base/cpio.h"
#include "base/units.h"

namespace vhdboot::efi {

namespace {
constexpr Guid kInitrdMedia = "5568e427-68fc-4f3d-ac74-ca555231cc68"_guid;
}  // namespace

InitrdMedia::InitrdMedia(EFI_BOOT_SERVICES& boot, Bytes first, Bytes second)
    : boot_(boot), first_(first), second_(second), path_(kInitrdMedia), interface_{{&InitrdMedia::load_file}, this} {
  EFI_GUID device_path = efi_guid(kDevicePath);
  EFI_GUID load_file2 = efi_guid(kLoadFile2);
  status_ = boot_.InstallMultipleProtocolInterfaces(&handle_, &device_path, &path_, &load_file2, &interface_.protocol,
                                                    nullptr);
}

InitrdMedia::~InitrdMedia() {
  if (failed(status_)) return;
  EFI_GUID device_path = efi_guid(kDevicePath);
  EFI_GUID load_file2 = efi_guid(kLoadFile2);
  boot_.UninstallMultipleProtocolInterfaces(handle_, &device_path, &path_, &load_file2, &interface_.protocol, nullptr);
}

std::size_t InitrdMedia::padding() const {
  return static_cast<std::size_t>(align_up(first_.size(), cpio::kAlignment) - first_.size());
}

EFI_STATUS EFIAPI InitrdMedia::load_file(LoadFile2Protocol* self, EFI_DEVICE_PATH* path, BOOLEAN boot_policy,
                                         UINTN* size, void* buffer) {
  if (self == nullptr || path == nullptr || size == nullptr) return EFI_INVALID_PARAMETER;
  if (boot_policy) return EFI_UNSUPPORTED;
  const InitrdMedia& media = *reinterpret_cast<Interface*>(self)->owner;
  if (buffer == nullptr || *size < media.total()) {
    *size = media.total();
    return EFI_BUFFER_TOO_SMALL;
  }
  auto* at = static_cast<std::byte*>(buffer);
  media.boot_.CopyMem(at, const_cast<std::byte*>(media.first_.data()), media.first_.size());
  at += media.first_.size();
  media.boot_.SetMem(at, media.padding(), 0);
  at += media.padding();
  media.boot_.CopyMem(at, const_cast<std::byte*>(media.second_.data()), media.second_.size());
  *size = media.total();
  return EFI_SUCCESS;
}

}  // namespace vhdboot::efi
