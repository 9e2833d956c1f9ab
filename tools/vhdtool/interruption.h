// SPDX-License-Identifier: GPL-2.0-or-later
// Ctrl-C, and the other signals that ask a program to end.
#pragma once

#include <csignal>

#include "tools/common/space_file.h"
#include "tools/vhdtool/progress_show.h"

namespace vhdboot::vhdtool {

/// While it lives, SIGINT, SIGTERM, SIGHUP and SIGQUIT are only noted. At most one at a time.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  [[nodiscard]] static bool requested();

  /// Shows each step in `show` and stops the work when a signal came. Borrows `show`.
  [[nodiscard]] static tools::Watch watch(ProgressShow& show);

 private:
  struct sigaction before_[4] = {};
};

}  // namespace vhdboot::vhdtool
