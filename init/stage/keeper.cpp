// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "init/stage/keeper_process.h"
#include "init/sys/file.h"
#include "init/sys/mount.h"

namespace vhdboot::stage {
namespace {

// From a child of stage 2 to a process that survives.
Result<void> become_keeper(const Fd& null, int log) {
  program_invocation_name[0] = '@';  // argv[0] itself
  ::setsid();
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), standard);
  close_all_but({log});  // of stage 2: disks, above all
  const Fd proc = TRY(sys::mount_detached("proc", "proc"));
  if (::fchdir(proc.get()) < 0) return fail_errno("entering /proc");
  return {};
}

}  // namespace

Result<MountTable> MountTable::open() {
  return MountTable(TRY(sys::open_file("self/mountinfo", O_RDONLY)));
}

void MountTable::wait_for_change() const {
  pollfd wait{.fd = fd_.get(), .events = POLLPRI, .revents = 0};
  (void)::poll(&wait, 1, -1);
}

Result<Keeper> Keeper::start(const std::function<Result<void>(const sys::Reporter&)>& work) {
  // Opened before the fork: /dev goes away with stage 2.
  const Fd null = TRY(sys::open_file("/dev/null", O_RDWR));
  const sys::Reporter report("keeper", sys::Reporter::Audience::KernelLog);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("starting a keeper");
  if (child > 0) return Keeper(child);
  // Nothing may unwind from here into what the child has inherited of stage 2.
  try {
    auto kept = become_keeper(null, report.descriptor());
    if (kept) kept = work(report);
    if (!kept) report.error(kept.error().message());
    ::_exit(kept ? 0 : 1);
  } catch (...) {
    ::_exit(1);
  }
}

Keeper::~Keeper() {
  if (process_ == 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

}  // namespace vhdboot::stage
