// SPDX-License-Identifier: GPL-2.0-or-later
// What a guest that forgets keeps in a second image: `persist FILE` and `persist-paths DIRECTORY...`, in a
// configuration and in the handoff.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::record {

inline constexpr std::size_t kMaxPersistPaths = 32;
inline constexpr std::size_t kMaxPersistPathBytes = 200;  ///< of one; in a unit's name a byte may take four

/// The file of `persist` on the image's volume, '/' before each name. Invalid unless it begins with / or \\.
[[nodiscard]] Result<std::string> parse_persist_file(std::string_view text);

/// `paths` and the directory `path` of the guest. Invalid unless that is absolute and normalised, neither "/" nor one
/// of /dev, /proc, /run and /sys or below, and fit for a unit of systemd: no blank, quote, '%', '$' or '\'. Invalid,
/// too, for one that is there already, lies in one of the others or holds one, and beyond the caps.
[[nodiscard]] Result<std::vector<std::string>> with_persist_path(std::vector<std::string> paths, std::string_view path);

/// "/home, /var/log"
[[nodiscard]] std::string list_of(const std::vector<std::string>& paths);

}  // namespace vhdboot::record
