// SPDX-License-Identifier: GPL-2.0-or-later
// What the drivers of the running system tell about a file.
#pragma once

#include <string>

#include "base/result.h"
#include "tools/vhdtool/check_place.h"

namespace vhdboot::vhdtool {

/// The regular file at `path`; changes nothing.
[[nodiscard]] Result<MountedFile> examine_mounted(const std::string& path);

}  // namespace vhdboot::vhdtool
