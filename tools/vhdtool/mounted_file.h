// SPDX-License-Identifier: GPL-2.0-or-later
// What the drivers of the running system tell about a file.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "disk/file_tree.h"
#include "tools/vhdtool/check_place.h"

namespace vhdboot::vhdtool {

/// The regular file at `path`; changes nothing.
[[nodiscard]] Result<MountedFile> examine_mounted(const std::string& path);

/// `path`, from the top of that tree, as the names are spelled there: Linux' drivers of the volume may not ignore case,
/// as the boot does. For ASCII alone: which other letters are the same, the volume says.
[[nodiscard]] std::string spelled_in(const disk::FileTree& tree, std::string_view path);

}  // namespace vhdboot::vhdtool
