// SPDX-License-Identifier: GPL-2.0-or-later
// Finds out from which partition and file we were started, whatever started us.
#pragma once

#include <optional>

#include "efi/boot_sector.h"
#include "efi/device_path.h"
#include "efi/uefi.h"

namespace vhdboot::efi {

struct StartedFrom {
  EFI_HANDLE device = nullptr;  ///< the partition (or whole disk); null when nothing names it
  Bytes device_path;            ///< of the device that we are told of, in the firmware's memory; empty when unknown
  std::optional<PartUuid> partition;
  std::optional<VolumeSerial> serial;
  std::optional<PathText> path;
  Bytes place;  ///< the device path of the partition that was found, in the firmware's memory; empty when unknown
};

/// Never fails: what cannot be found out is missing.
[[nodiscard]] StartedFrom find_origin(EFI_BOOT_SERVICES& boot, EFI_HANDLE self, const EFI_LOADED_IMAGE& image);

}  // namespace vhdboot::efi
