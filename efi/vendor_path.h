// SPDX-License-Identifier: GPL-2.0-or-later
// A device path of one vendor-defined media node: a name that no hardware has.
#pragma once

#include "efi/uefi.h"

namespace vhdboot::efi {

struct VendorPath {
  VENDOR_DEVICE_PATH vendor;
  EFI_DEVICE_PATH end;

  explicit constexpr VendorPath(const Guid& guid)
      : vendor{{MEDIA_DEVICE_PATH, MEDIA_VENDOR_DP, {sizeof(VENDOR_DEVICE_PATH), 0}}, efi_guid(guid)},
        end{END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE, {sizeof(EFI_DEVICE_PATH), 0}} {}

  [[nodiscard]] EFI_DEVICE_PATH* path() { return &vendor.Header; }
};
static_assert(sizeof(VENDOR_DEVICE_PATH) == 20 && sizeof(VendorPath) == 24, "nodes follow each other without a gap");

}  // namespace vhdboot::efi
