// SPDX-License-Identifier: GPL-2.0-or-later
// A subcommand of vhdtool.
#pragma once

#include <string_view>

#include "base/exit_status.h"

namespace vhdboot::vhdtool {

struct Command {
  std::string_view name;
  std::string_view summary;                  ///< one line for `vhdtool --help`
  ExitStatus (*run)(int argc, char** argv);  ///< argv[0] is the name
};

}  // namespace vhdboot::vhdtool
