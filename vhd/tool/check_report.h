// SPDX-License-Identifier: GPL-2.0-or-later
// What `vhdtool check` tells, for people and for programs.
#pragma once

#include <string>
#include <string_view>

#include "vhd/tool/finding.h"

namespace vhdboot::tool {

/// 0 boots, 1 boots with warnings or may boot, 2 will not.
[[nodiscard]] int check_status(const Findings& findings);

/// A line a finding, the worst ones last, and one with the verdict.
[[nodiscard]] std::string check_text(std::string_view file_name, const Findings& findings);

/// An array of {"check", "severity", "text"} in the order in which they were found; no line feed.
[[nodiscard]] std::string check_json(const Findings& findings);

}  // namespace vhdboot::tool
