// SPDX-License-Identifier: GPL-2.0-or-later
// Differencing images of the running system that stand on another; for those of a volume that is not mounted there is
// init/stage/children.h.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "vhd/disk.h"

namespace vhdboot::vhdtool {

/// Unsafe when a differencing image beside `path` says that the image there, `info`, is its parent, or may say so and
/// cannot be read; but for the one whose name is `except`.
[[nodiscard]] Result<void> check_no_child(const std::string& path, const vhd::DiskInfo& info,
                                          std::string_view except = {});

}  // namespace vhdboot::vhdtool
