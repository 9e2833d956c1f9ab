// SPDX-License-Identifier: GPL-2.0-or-later
// A new differencing image as a file of the running system.
#pragma once

#include <string>

#include "base/result.h"
#include "tools/common/space_file.h"
#include "vhd/child.h"

namespace vhdboot::vhdtool {

/// Puts all of it into `file`, which is empty, every byte of it really written, and shows how far it is; durable when
/// it returns. The file gets owner and mode of the one that is open as `like`, where its file system has such. Stops
/// when a signal came (interruption.h).
[[nodiscard]] Result<void> write_child(tools::SpaceFile& file, const vhd::NewFile& child, int like);

/// Whether the image at `path` can be opened and is a differencing one: the path of its parent's file.
[[nodiscard]] Result<std::string> parent_file(const std::string& path);

/// Sets the read-only attribute of the file, where its file system has one. As far as it goes: what protects a parent
/// in a boot is the child that names it.
void set_read_only(const std::string& path);

/// Takes it away, as far as it goes. Whether the file had it.
bool clear_read_only(const std::string& path);

}  // namespace vhdboot::vhdtool
