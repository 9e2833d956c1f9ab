// SPDX-License-Identifier: GPL-2.0-or-later
// The directories that a guest keeps while it forgets the rest: `persist-paths`, in a configuration and in the handoff.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::record {

inline constexpr std::size_t kMaxPersistPaths = 32;
inline constexpr std::string_view kPersistAll = "/";

/// `paths` and behind them the words of `more`, each once and separated by blanks. Invalid for one that is not absolute
/// and normalised, is one of /dev, /proc, /run and /sys or below, does not fit into a unit of systemd (quotes,
/// '%', '$', '\', the length of its name), is there already, lies in one of the others or holds one; and beyond the
/// cap. "/" stands alone: all that is written above a folder.
[[nodiscard]] Result<std::string> with_persist_paths(std::string paths, std::string_view more);

}  // namespace vhdboot::record
