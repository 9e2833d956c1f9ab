// SPDX-License-Identifier: GPL-2.0-or-later
// A plan, a person's yes, and the work: the same for every command that changes something.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/exit_status.h"
#include "tools/common/options.h"
#include "tools/vhdboot/change_plan.h"

namespace vhdboot::command {

/// The options of all of them: -n, -y, --json.
[[nodiscard]] std::vector<tools::OptionName> plan_options(std::vector<tools::OptionName> more);

/// Shows the plan, asks unless -y or no terminal says not to, and does it. With -n it ends behind the plan. Done, or
/// Warnings when the plan has some; Refused when the answer was no. `schema` is that of the JSON.
ExitStatus show_and_carry_out(const tools::CommandLine& line, std::string_view command, std::string_view subject,
                              Changer& changer, const Plan& plan, std::string_view schema);

/// `path` absolute and without links; an error names it.
[[nodiscard]] Result<std::string> whole_path(const std::string& path);

}  // namespace vhdboot::command
