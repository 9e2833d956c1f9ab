// SPDX-License-Identifier: GPL-2.0-or-later
// The end of every failure.
#pragma once

#include <string_view>

#include "efi/started_from.h"
#include "efi/uefi.h"

namespace vhdboot::efi {

/// Shows the sentence and from where we were started, waits for a key or 30 seconds, and resets the machine, which
/// brings the person back to their boot menu. Never returns to whoever started us: Ventoy would start us again and
/// again, a firmware boot manager would start something else before anybody has read the screen, and we cannot tell
/// them apart.
[[noreturn]] void give_up(EFI_SYSTEM_TABLE& table, std::string_view sentence, const StartedFrom& from);

}  // namespace vhdboot::efi
