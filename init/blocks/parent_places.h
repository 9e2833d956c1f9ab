// SPDX-License-Identifier: GPL-2.0-or-later
// Where on a volume the parent of a differencing image may lie.
#pragma once

#include <string_view>
#include <vector>

#include "init/volume/path.h"

namespace vhdboot::blocks {

/// The places to look at, in order, for what the image `child` calls `path` in the way of Windows: from the child's
/// folder on where that is relative, and beside the child. Other volumes, and absolute paths of this one, are not among
/// them: a chain that was copied must not go on with the files that it was copied from.
[[nodiscard]] std::vector<volume::Path> parent_places(const volume::Path& child, std::string_view path);

}  // namespace vhdboot::blocks
