// SPDX-License-Identifier: GPL-2.0-or-later
// A subcommand of vhdtool.
#pragma once

#include <string_view>

namespace vhdboot::tool {

struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(int argc, char** argv);  ///< argv[0] is the subcommand's name; returns the exit status
};

}  // namespace vhdboot::tool
