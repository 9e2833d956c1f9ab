// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "efi/uefi.h"

namespace vhdboot::efi {

/// Starts the boot kernel embedded in this file and tells it where the file lies. Returns only in one of Ventoy's
/// retries (EFI_ABORTED); every other failure ends in a reset of the machine.
EFI_STATUS run(EFI_HANDLE self, EFI_SYSTEM_TABLE& table);

}  // namespace vhdboot::efi
