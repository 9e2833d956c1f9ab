// SPDX-License-Identifier: GPL-2.0-or-later
// What `vhdboot status` tells, for people and for programs.
#pragma once

#include <string>

#include "tools/vhdboot/status_facts.h"

namespace vhdboot::command {

/// Lines that each end with a line feed.
[[nodiscard]] std::string status_text(const Status& status);

/// One JSON object on one line, without the line feed.
[[nodiscard]] std::string status_json(const Status& status);

/// "bootnext": a word for programs.
[[nodiscard]] std::string_view word(NextBy by);

}  // namespace vhdboot::command
