// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/signals.h"

#include <initializer_list>

namespace vhdboot::sys {

HeldSignals::HeldSignals() {
  sigset_t held;
  ::sigemptyset(&held);
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP, SIGPIPE}) ::sigaddset(&held, signal);
  ::sigprocmask(SIG_BLOCK, &held, &before_);
}

HeldSignals::~HeldSignals() {
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace vhdboot::sys
