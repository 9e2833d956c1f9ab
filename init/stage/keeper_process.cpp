// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/keeper_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/text.h"
#include "init/stage/keeper.h"
#include "init/sys/file.h"

namespace vhdboot::stage {

Result<void> need_no_disk() {
  constexpr int kIoFlusher = 57;  // PR_SET_IO_FLUSHER, since Linux 5.6
  (void)::prctl(kIoFlusher, 1, 0, 0, 0);
  (void)sys::write_file("/proc/self/oom_score_adj", as_bytes("-1000"));
  if (::mlockall(MCL_CURRENT | MCL_FUTURE) < 0) return fail_errno("keeping this program in memory");
  return {};
}

void stay_in_guest(char** argv) {
  argv[0][0] = '@';
  if (const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC); null >= 0)
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
}

void close_all_but(std::initializer_list<int> kept) {
  constexpr int kMost = 1024;
  for (int descriptor = STDERR_FILENO + 1; descriptor < kMost; ++descriptor)
    if (std::ranges::find(kept, descriptor) == kept.end()) ::close(descriptor);
}

Result<Child> Child::make(std::string_view what) {
  Child child{.pid = ::fork(), .fd = Fd()};
  if (child.pid < 0) return fail_errno(what);
  if (child.pid == 0) return child;
  child.fd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  if (child.fd) return child;
  auto error = fail_errno(what);
  child.kill();
  return error;
}

int Child::wait() {
  int status = 0;
  if (pid > 0) ::waitpid(pid, &status, 0);
  pid = 0;
  fd = Fd();
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void Child::kill() {
  if (pid > 0) ::kill(pid, SIGKILL);
  (void)wait();
}

AmongDevices::AmongDevices(const Fd& own, const Fd& proc)
    : own_(own), proc_(proc), inside_(::chroot(kProcessOneRoot) == 0) {}

AmongDevices::~AmongDevices() {
  if (inside_ && ::fchdir(own_.get()) == 0) (void)::chroot(".");
  (void)::fchdir(proc_.get());
}

}  // namespace vhdboot::stage
