// SPDX-License-Identifier: GPL-2.0-or-later
// Sizes on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vhdboot::tool {

/// "512", "4K", "1M", "20G", "2T" in bytes (units of 1024, either case); nothing for anything else or above 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace vhdboot::tool
