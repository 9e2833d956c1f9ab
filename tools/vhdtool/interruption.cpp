// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/interruption.h"

#include <cstddef>
#include <iterator>

namespace vhdboot::vhdtool {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
volatile std::sig_atomic_t requested_now = 0;

void note(int) {
  requested_now = 1;
}

}  // namespace

Interruption::Interruption() {
  struct sigaction action{};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &action, &before_[i]);
  // Nobody reads the progress any more: that is no reason to leave the work half done.
  std::signal(SIGPIPE, SIG_IGN);
}

Interruption::~Interruption() {
  for (std::size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

bool Interruption::requested() {
  return requested_now != 0;
}

tools::Watch Interruption::watch(ProgressShow& show) {
  return [&show](std::uint64_t bytes) {
    show.add(bytes);
    return !requested();
  };
}

}  // namespace vhdboot::vhdtool
