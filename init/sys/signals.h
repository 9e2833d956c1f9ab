// SPDX-License-Identifier: GPL-2.0-or-later
// Signals that must wait.
#pragma once

#include <csignal>

namespace vhdboot::sys {

/// While this lives, what a person ends a program with (Ctrl-C, a closed terminal, kill) waits: it must not leave
/// devices attached.
class HeldSignals {
 public:
  HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  ~HeldSignals();

 private:
  sigset_t before_{};
};

}  // namespace vhdboot::sys
