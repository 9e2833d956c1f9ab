// SPDX-License-Identifier: GPL-2.0-or-later
// Programs of the running system.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vhdboot::tools {

/// The path of the program `name`: in PATH, then where those for root are, which PATH need not have.
[[nodiscard]] std::optional<std::string> find_program(std::string_view name);

}  // namespace vhdboot::tools
