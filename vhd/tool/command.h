// SPDX-License-Identifier: GPL-2.0-or-later
// A subcommand of vhdtool.
#pragma once

#include <string_view>

namespace vhdboot::tool {

struct Command {
  std::string_view name;
  std::string_view summary;           ///< one line for `vhdtool --help`
  int (*run)(int argc, char** argv);  ///< argv[0] is the name; returns the exit status: 0 done, 1 failed, 2 wrong usage
};

}  // namespace vhdboot::tool
