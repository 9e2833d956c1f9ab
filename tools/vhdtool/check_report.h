// SPDX-License-Identifier: GPL-2.0-or-later
// What `vhdtool check` tells, for people and for programs.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/exit_status.h"
#include "tools/vhdtool/finding.h"

namespace vhdboot::vhdtool {

/// Done: it boots; Warnings: it boots with warnings, or may boot; Refused: it will not.
[[nodiscard]] ExitStatus check_status(const Findings& findings);

/// A line a finding, the worst ones last, and one with the verdict.
[[nodiscard]] std::string check_text(std::string_view file_name, const Findings& findings);

/// One object; its "findings" are {"check", "severity", "text"} in the order in which they were found. No line feed.
[[nodiscard]] std::string check_json(std::string_view file_name, const Findings& findings);

/// The same when it could not be checked: with "message", without findings.
[[nodiscard]] std::string check_json(std::string_view file_name, const Error& error);

}  // namespace vhdboot::vhdtool
