// SPDX-License-Identifier: GPL-2.0-or-later
// How a boot stage ends the running kernel.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace vhdboot::sys {

/// Each returns only when the kernel refused.
[[nodiscard]] Error reboot();
[[nodiscard]] Error power_off();
/// Whether the firmware can be asked to open its setup by itself (UEFI 2.10, 8.5.4).
[[nodiscard]] bool has_firmware_setup();
/// Asks it to, by its variable OsIndications, and restarts.
[[nodiscard]] Error restart_into_firmware_setup();
/// Jumps into the kernel that was loaded with kexec.
[[nodiscard]] Error execute_loaded_kernel();

/// Takes xHCI controllers away from their driver, so that they reach the next kernel in reset. Without it, USB
/// keyboards stay dead on some machines after the jump. Call it when nothing on USB is needed any more.
/// Returns the addresses of the controllers.
[[nodiscard]] std::vector<std::string> release_usb_controllers();

/// Gives them back, when the jump was refused: the person needs the keyboard.
void take_back_usb_controllers(const std::vector<std::string>& addresses);

}  // namespace vhdboot::sys
