// SPDX-License-Identifier: GPL-2.0-or-later
// Sizes as people type them.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace vhdboot {

/// Bytes from "64G", "512M", "17K" or "1000": K, M, G and T are powers of 1024, in either case. Invalid for anything
/// else and for what no file could have.
[[nodiscard]] Result<std::uint64_t> parse_bytes(std::string_view text);

/// The size of a disk, from "64G", "512M", "1536" or "10GiB". Invalid as parse_bytes says, for 0 and for what is no
/// multiple of 512.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// The size that "64G" or "+10G" names for a disk of `present` bytes. Invalid as parse_size says.
[[nodiscard]] Result<std::uint64_t> parse_new_size(std::string_view text, std::uint64_t present);

}  // namespace vhdboot
