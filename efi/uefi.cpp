// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/uefi.h"

namespace vhdboot::efi {

std::string_view describe(EFI_STATUS status) {
  switch (status) {
    case EFI_SUCCESS:
      return "success";
    case EFI_LOAD_ERROR:
      return "load error";
    case EFI_INVALID_PARAMETER:
      return "invalid parameter";
    case EFI_UNSUPPORTED:
      return "unsupported";
    case EFI_BUFFER_TOO_SMALL:
      return "buffer too small";
    case EFI_DEVICE_ERROR:
      return "device error";
    case EFI_OUT_OF_RESOURCES:
      return "out of memory";
    case EFI_VOLUME_CORRUPTED:
      return "the file system is damaged";
    case EFI_NO_MEDIA:
      return "no medium";
    case EFI_MEDIA_CHANGED:
      return "the medium was changed";
    case EFI_NOT_FOUND:
      return "not found";
    case EFI_ACCESS_DENIED:
      return "access denied";
    case EFI_TIMEOUT:
      return "timed out";
    case EFI_ALREADY_STARTED:
      return "already started";
    case EFI_ABORTED:
      return "aborted";
    case EFI_SECURITY_VIOLATION:
      return "security violation";
    default:
      return "firmware error";
  }
}

}  // namespace vhdboot::efi
