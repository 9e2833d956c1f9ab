// SPDX-License-Identifier: GPL-2.0-or-later
// What programs have in common that stay in the guest, and on which its disk depends.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "init/stage/grow.h"
#include "init/sys/console.h"
#include "init/sys/messages.h"
#include "init/sys/process.h"

namespace vhdboot::stage {

/// Memory may have to be freed by writing to the disk that this process serves: it must never wait for that. No child
/// inherits all of it.
[[nodiscard]] Result<void> need_no_disk();

/// Closes all but these, and standard input, output and error.
void close_all_but(std::initializer_list<int> kept);

/// What the main function of such a program begins with: systemd lets it live when it kills everything else of the
/// initrd, and the consoles are the guest's.
void stay_in_guest(char** argv);

/// What it then does: it makes a disk, which it keeps until nobody needs it or stage 2 wants it undone; the exit status
/// of the program. A Supervisor has start(), disk(), run() and undo(); `name`: in the log.
template <class Supervisor, class Request>
int supervise(const char* name, const Request& request) {
  ::signal(SIGPIPE, SIG_IGN);
  ::setsid();
  const sys::Messages stage2{Fd(sys::Companion::kSocket)};
  const sys::Reporter report(name, sys::Reporter::Audience::KernelLog);
  const auto ready = need_no_disk();
  auto supervisor = ready ? Supervisor::start(request, report) : std::unexpected(ready.error());
  const auto disk = supervisor ? Result<std::string>((*supervisor)->disk()) : std::unexpected(supervisor.error());
  if (!send_grow_answer(stage2, disk) || !disk) return 1;
  (*supervisor)->run(stage2);
  const auto undone = (*supervisor)->undo();
  (void)send_grow_answer(stage2, undone ? disk : std::unexpected(undone.error()));
  return undone ? 0 : 1;
}

/// A process of this program.
struct Child {
  pid_t pid = 0;
  Fd fd;  ///< readable when it has ended

  /// Goes on in both: 0 in the child. One whose end nobody would notice is none.
  [[nodiscard]] static Result<Child> make(std::string_view what);
  /// Until it ends; its exit status.
  int wait();
  void kill();
};

/// While it lives, this process is among the guest's own /dev and /sys, after that has taken over; those of stage 2 are
/// gone then.
class AmongDevices {
 public:
  /// `own` and `proc`: the directories / and /proc of this process, in the latter of which it is.
  AmongDevices(const Fd& own, const Fd& proc);
  AmongDevices(const AmongDevices&) = delete;
  AmongDevices& operator=(const AmongDevices&) = delete;
  ~AmongDevices();

 private:
  const Fd& own_;
  const Fd& proc_;
  bool inside_;
};

}  // namespace vhdboot::stage
