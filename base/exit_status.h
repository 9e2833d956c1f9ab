// SPDX-License-Identifier: GPL-2.0-or-later
// How every program of ours ends.
#pragma once

#include <string_view>

#include "base/error.h"

namespace vhdboot {

/// The numbers are documented in the manual pages: never change one.
enum class ExitStatus : int {
  Done = 0,      ///< done, or it boots
  Failed = 1,    ///< something did not work: input or output, a permission, a file that is not there
  Usage = 2,     ///< the command line is wrong
  Refused = 3,   ///< it will not boot, would be unsafe, or is not possible here
  Warnings = 4,  ///< done, or it boots, with warnings
};

/// What an error leads to: Failed or Refused.
[[nodiscard]] ExitStatus exit_status(const Error& error);

/// For `return` from main().
[[nodiscard]] constexpr int number(ExitStatus status) {
  return static_cast<int>(status);
}

/// What one run that did several things ends with: the first that was not done, else Warnings if there was one.
[[nodiscard]] ExitStatus together(ExitStatus first, ExitStatus next);

/// The lines about it in `--help`.
inline constexpr std::string_view kExitStatusHelp =
    "Exit status: 0 done, 1 failed, 2 wrong command line, 3 refused (not safe or not\n"
    "possible here), 4 done with warnings.\n";

}  // namespace vhdboot
