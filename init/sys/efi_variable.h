// SPDX-License-Identifier: GPL-2.0-or-later
// What a boot loader tells the system that it starts: EFI variables of systemd's Boot Loader Interface.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::sys {

/// Sets a variable of the Boot Loader Interface (vendor 4a67b082-0a4c-41cf-b6c7-440b29bb8c4f) to a text, until the
/// machine is reset. The firmware's flash is not written.
[[nodiscard]] Result<void> set_loader_variable(std::string_view name, std::string_view text);

}  // namespace vhdboot::sys
