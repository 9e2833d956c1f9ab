// SPDX-License-Identifier: GPL-2.0-or-later
// Loading modules into the running kernel.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::sys {

/// Loads an uncompressed module with these parameters, "a=1 b=2". One that is loaded or built in already is fine.
/// `name` is for the error's text.
[[nodiscard]] Result<void> load_module(const std::string& name, Bytes image, const std::string& options = "");

}  // namespace vhdboot::sys
