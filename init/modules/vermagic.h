// SPDX-License-Identifier: GPL-2.0-or-later
// The facts inside a kernel module: the .modinfo section of an ELF file (64-bit, little-endian).
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::modules {

/// The value of the first "key=value" in .modinfo, borrowed from `module`. NotFound without such a key or section,
/// Corrupt or Unsupported when `module` is no such ELF file.
[[nodiscard]] Result<std::string_view> modinfo_value(Bytes module, std::string_view key);

/// Whether the kernel `release` would load the module. Unsupported with both releases when it was built for another.
[[nodiscard]] Result<void> check_vermagic(Bytes module, std::string_view release);

}  // namespace vhdboot::modules
