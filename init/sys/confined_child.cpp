// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/confined_child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "base/text.h"
#include "init/sys/deadline.h"

namespace vhdboot::sys {
namespace {

constexpr auto kTimeToDie = std::chrono::seconds(1);  // of a process that was killed and does not hang in the kernel

// Descriptors of such a program.
constexpr int kDevice = 3;
constexpr int kSocket = 4;

std::unexpected<Error> failed(std::string_view what) {
  return fail(Code::Io, concat("starting ", what, ": ", std::strerror(errno)));
}

// How the child ended; nothing when it has not, or when somebody else has waited for it.
std::optional<siginfo_t> wait_for_end(const Fd& process) {
  pollfd wait{.fd = process.get(), .events = POLLIN, .revents = 0};
  const Deadline deadline = Deadline::in(kTimeToDie);
  while (::poll(&wait, 1, deadline.poll_timeout()) < 0 && errno == EINTR) continue;
  siginfo_t how{};
  // As process 1 we wait for any child here and there.
  constexpr auto kPidfd = static_cast<idtype_t>(3);
  if (::waitid(kPidfd, static_cast<id_t>(process.get()), &how, WEXITED | WNOHANG) < 0 || how.si_pid == 0)
    return std::nullopt;
  return how;
}

}  // namespace

Result<ConfinedChild> ConfinedChild::start(std::string_view what, const Become& become) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return failed(what);
  Fd ours(ends[0]);
  const Fd theirs(ends[1]);
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return failed(what);
  if (pid == 0) {
    become(theirs.get(), self);
    ::_exit(1);
  }
  ConfinedChild child(pid, std::move(ours));
  child.process_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (child.process_) return child;
  auto error = failed(what);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return error;
}

ConfinedChild::~ConfinedChild() {
  messages_ = {};
  if (!process_) return;
  ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
  (void)wait_for_end(process_);
}

ChildEnd ConfinedChild::end() {
  const auto how = wait_for_end(process_);
  const bool exited = !how || how->si_code == CLD_EXITED;
  const int status = how ? how->si_status : 0;
  std::string_view what = exited ? "ended too early" : "crashed";
  if (exited && status == kChildOutOfMemory) what = "needs more memory than it may use";
  if (exited && status == kChildNotExecuted) what = "could not be executed";
  if (!exited && status == SIGSYS) what = "tried what it must not do, and was stopped";
  if (!exited && status == SIGXCPU) what = "computed for too long, and was stopped";
  if (!exited && status == SIGKILL) what = "was killed, perhaps for lack of memory";
  return {.what = concat(what, exited ? " (status " : " (signal ", status, ')'),
          .of_memory = (exited && status == kChildOutOfMemory) || (!exited && status == SIGKILL)};
}

void execute_confined(const std::string& path, std::string word, const ChildTask& task) {
  // Above the two, so that neither takes the other's place.
  const int device = task.device < 0 ? -1 : ::fcntl(task.device, F_DUPFD, kSocket + 1);
  const int socket = ::fcntl(task.socket, F_DUPFD, kSocket + 1);
  if (socket < 0 || ::dup2(socket, kSocket) < 0) return;
  if (task.device >= 0 && (device < 0 || ::dup2(device, kDevice) < 0)) return;
  std::array<std::string, 6> words{path,
                                   std::move(word),
                                   concat(task.parent),
                                   concat(task.limits.memory),
                                   concat(task.limits.cpu_seconds),
                                   task.limits.filter ? "1" : "0"};
  std::array<char*, words.size() + 1> pointers{};
  for (std::size_t i = 0; i < words.size(); ++i) pointers[i] = words[i].data();
  std::array<char*, 1> environment{};
  ::execve(path.c_str(), pointers.data(), environment.data());
}

std::optional<ConfinedArguments> confined_arguments(std::span<const std::string_view> words) {
  if (words.size() != 6) return std::nullopt;
  const auto parent = parse_u64(words[2]);
  const auto memory = parse_u64(words[3]);
  const auto seconds = parse_u64(words[4]);
  if (!parent || !memory || !seconds) return std::nullopt;
  return ConfinedArguments{
      .word = words[1],
      .task = {
          .device = kDevice,
          .socket = kSocket,
          .parent = static_cast<pid_t>(*parent),
          .limits = {.memory = *memory, .cpu_seconds = static_cast<unsigned>(*seconds), .filter = words[5] == "1"}}};
}

}  // namespace vhdboot::sys
