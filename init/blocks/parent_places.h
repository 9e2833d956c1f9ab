// SPDX-License-Identifier: GPL-2.0-or-later
// Where on a volume the parent of a differencing image may lie.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "init/volume/path.h"

namespace vhdboot::blocks {

/// The places on a volume to look at, in order, for what the image `child` calls `path` in the way of Windows: from the
/// child's folder on where that is relative, beside the child, and, on a volume that a person has `named` for the
/// parents, where an absolute path says. Elsewhere that is none: a chain that was copied must not go on with the files
/// that it was copied from.
[[nodiscard]] std::vector<volume::Path> parent_places(const volume::Path& child, std::string_view path,
                                                      bool named = false);

/// An absolute path without what Windows calls its volume: "D:\vhd\base.vhdx" and "\\?\Volume{...}\vhd\base.vhdx" are
/// /vhd/base.vhdx. Nothing for any other path.
[[nodiscard]] std::optional<volume::Path> absolute_place(std::string_view path);

}  // namespace vhdboot::blocks
