// SPDX-License-Identifier: GPL-2.0-or-later
// A program that is nothing but its subcommands: what main() does in all of them.
#pragma once

#include <span>
#include <string_view>

#include "base/exit_status.h"

namespace vhdboot::tools {

struct Command {
  std::string_view name;
  std::string_view summary;                  ///< one line for `PROGRAM --help`
  ExitStatus (*run)(int argc, char** argv);  ///< argv[0] is the name
};

struct Program {
  std::string_view name;
  std::string_view version;           ///< the line that --version prints, without its end
  std::span<const Command> commands;  ///< in the order of --help
  std::string_view usual{};           ///< the command without one; empty: there has to be one
};

/// For `return` from main().
[[nodiscard]] int run(const Program& program, int argc, char** argv);

}  // namespace vhdboot::tools
