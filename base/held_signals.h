// SPDX-License-Identifier: GPL-2.0-or-later
// Signals that must wait.
#pragma once

#include <csignal>
#include <initializer_list>

namespace vhdboot {

/// While this lives, what a person ends a program with (Ctrl-C, a closed terminal, kill) waits: it must not leave
/// devices attached, or a disk image half converted.
class HeldSignals {
 public:
  HeldSignals() {
    sigset_t held;
    ::sigemptyset(&held);
    for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP, SIGPIPE}) ::sigaddset(&held, signal);
    ::sigprocmask(SIG_BLOCK, &held, &before_);
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  ~HeldSignals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

  /// Whether one of them waits that is to end the program.
  [[nodiscard]] static bool end_waits() {
    sigset_t waiting;
    if (::sigpending(&waiting) < 0) return false;
    for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP})
      if (::sigismember(&waiting, signal) == 1) return true;
    return false;
  }

 private:
  sigset_t before_{};
};

}  // namespace vhdboot
