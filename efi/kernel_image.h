// SPDX-License-Identifier: GPL-2.0-or-later
// Starts the boot kernel that is packed into our own file.
#pragma once

#include <string_view>

#include "efi/fixed_text.h"
#include "efi/uefi.h"

namespace vhdboot::efi {

/// Loads the EFI program `kernel` from memory, hands it `command_line` (UTF-8) and starts it. Returns only when that
/// did not work: with the sentence that says why, and what to do where that is known. Nothing stays loaded then.
[[nodiscard]] Sentence start_kernel(EFI_BOOT_SERVICES& boot, EFI_HANDLE self, Bytes kernel,
                                    std::string_view command_line);

}  // namespace vhdboot::efi
