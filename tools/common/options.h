// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of a subcommand: a few options, then a fixed number of arguments.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/exit_status.h"

namespace vhdboot::tools {

struct OptionName {
  std::string_view name;  ///< "volume" for --volume
  bool has_value = false;
  char letter = 0;  ///< 'n' for -n; 0: none
};

struct CommandLine {
  std::vector<std::pair<std::string, std::string>> options;  ///< name and value, in their order
  std::vector<std::string> arguments;
  std::optional<ExitStatus> status;  ///< set: all has been said, end with it

  [[nodiscard]] bool has(std::string_view name) const;
  /// The value of the last one of that name; empty without.
  [[nodiscard]] std::string value(std::string_view name) const;
};

/// Reads `argv` by getopt_long, with --help (-h) beside `options`; complains about what is wrong. `arguments` names
/// each argument that must be there: {"FILE", "SIZE"}; `more` those that may follow, any number of the last of them
/// when it ends in "...".
[[nodiscard]] CommandLine read_command_line(int argc, char** argv, const std::vector<OptionName>& options,
                                            const std::vector<std::string_view>& arguments, std::string_view help,
                                            const std::vector<std::string_view>& more = {});

}  // namespace vhdboot::tools
