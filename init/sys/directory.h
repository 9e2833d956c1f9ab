// SPDX-License-Identifier: GPL-2.0-or-later
// The names in a directory.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"

namespace vhdboot::sys {

/// Sorted, without "." and ".."; empty when it cannot be read. At most 65536 names.
[[nodiscard]] std::vector<std::string> list_directory(const std::string& path);
/// The same of an open directory.
[[nodiscard]] std::vector<std::string> list_directory(Fd directory);

}  // namespace vhdboot::sys
