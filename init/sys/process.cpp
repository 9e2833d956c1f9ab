// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "base/text.h"
#include "init/sys/file.h"

namespace vhdboot::sys {
namespace {

constexpr int kCannotExecute = 127;  // as a shell reports it

std::vector<char*> as_argv(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  return argv;
}

int exit_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// A child that the kernel does not let go (state D) is killed, and left to its fate.
Result<int> wait_for(pid_t child, std::string_view what, Deadline deadline) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  if (!process) return fail_errno(concat("waiting for ", what));
  pollfd wait{.fd = process.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  while ((ready = ::poll(&wait, 1, deadline.poll_timeout())) < 0 && errno == EINTR) continue;
  int status = 0;
  if (ready > 0 && ::waitpid(child, &status, 0) == child) return exit_status(status);
  ::kill(child, SIGKILL);
  return fail(Code::Timeout, concat(what, " did not end in time"));
}

// Waits for one child. As process 1 we inherit orphans: those that end meanwhile are reaped on the way.
Result<int> wait_for(pid_t child) {
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, 0);
    if (ended < 0 && errno != EINTR) return fail_errno("waiting for a program");
    if (ended != child) continue;
    return exit_status(status);
  }
}

void take_terminal(const std::string& terminal) {
  ::setenv("TERM", terminal_type(terminal), 1);
  ::setsid();
  const int fd = ::open(terminal.c_str(), O_RDWR);
  if (fd < 0) return;
  ::ioctl(fd, TIOCSCTTY, 1);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(fd, standard);
  if (fd > STDERR_FILENO) ::close(fd);
}

}  // namespace

Result<int> run(const std::vector<std::string>& arguments, Deadline deadline) {
  auto argv = as_argv(arguments);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(concat("starting ", arguments.front()));
  if (child == 0) {
    ::execv(argv.front(), argv.data());
    ::_exit(kCannotExecute);
  }
  return wait_for(child, arguments.front(), deadline);
}

Result<void> do_apart(std::string_view what, const std::function<void()>& work, Deadline deadline) {
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(std::string(what));
  if (child == 0) {
    // Nothing may unwind from here into what the child has inherited.
    try {
      work();
      ::_exit(0);
    } catch (...) {
      ::_exit(1);
    }
  }
  if (TRY(wait_for(child, what, deadline)) != 0) return fail(Code::NoMemory, std::string(what));
  return {};
}

namespace {

// In front of an answer: 0, or one more than the Code of an error, and its errno.
constexpr std::size_t kHead = 2;

std::string in_words(const Result<std::string>& answer) {
  std::string words(kHead, '\0');
  if (!answer) {
    words[0] = static_cast<char>(1 + static_cast<int>(answer.error().code));
    words[1] = static_cast<char>(answer.error().sys_errno);
  }
  words += answer ? *answer : answer.error().text;
  words.resize(std::min(words.size(), kHead + kMostAnswer));
  return words;
}

// The child may have been taken over by what it read.
std::optional<Result<std::string>> out_of_words(std::string_view words) {
  if (words.size() < kHead || words.size() > kHead + kMostAnswer) return std::nullopt;
  const int code = static_cast<unsigned char>(words[0]);
  std::string text(words.substr(kHead));
  if (code == 0) return text;
  if (code > 1 + static_cast<int>(Code::NoMemory)) return std::nullopt;
  return std::unexpected(Error{static_cast<Code>(code - 1), static_cast<unsigned char>(words[1]), printable(text)});
}

// All that comes until the other end is closed; nothing when the deadline passes first.
std::optional<std::string> read_all(const Fd& pipe, Deadline deadline) {
  std::string words;
  std::array<char, 4096> piece;
  for (;;) {
    pollfd wait{.fd = pipe.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&wait, 1, deadline.poll_timeout());
    if (ready == 0) return std::nullopt;
    const ssize_t got = ready < 0 ? -1 : ::read(pipe.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || words.size() > kHead + kMostAnswer) return words;
    words.append(piece.data(), static_cast<std::size_t>(got));
  }
}

// The answer of a child that does `work`, which ends it, with the descriptor that takes the answer.
Result<std::string> answer_of(std::string_view what, const std::function<void(const Fd&)>& work, Deadline deadline) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno(std::string(what));
  Fd from(ends[0]);
  Fd to(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(std::string(what));
  if (child == 0) {
    // Nothing may unwind from here into what the child has inherited.
    try {
      work(to);
      ::_exit(1);
    } catch (...) {
      ::_exit(1);
    }
  }
  to = Fd();
  const auto words = read_all(from, deadline);
  from = Fd();  // a child that says too much ends
  const auto status = wait_for(child, what, words ? deadline : Deadline::in(std::chrono::seconds(0)));
  if (!status) return std::unexpected(status.error());
  auto answer = words ? out_of_words(*words) : std::nullopt;
  if (*status == 0 && answer) return *std::move(answer);
  return fail(Code::Io, concat(what, " ended without an answer (status ", *status, ')'));
}

bool give(const Result<std::string>& answer, const Fd& to) {
  return write_all(to, as_bytes(in_words(answer))).has_value();
}

}  // namespace

Result<std::string> ask_apart(std::string_view what, const std::function<Result<std::string>()>& work,
                              Deadline deadline) {
  return answer_of(what, [&](const Fd& to) { ::_exit(give(work(), to) ? 0 : 1); }, deadline);
}

Result<std::string> ask_program(std::string_view what, const std::vector<std::string>& arguments, Deadline deadline) {
  auto argv = as_argv(arguments);
  return answer_of(
      what,
      [&](const Fd& to) {
        if (::dup2(to.get(), STDOUT_FILENO) >= 0) ::execv(argv.front(), argv.data());
        ::_exit(give(fail_errno(concat("starting ", arguments.front())), to) ? 0 : 1);
      },
      deadline);
}

bool give_answer(const Result<std::string>& answer) {
  return write_all(Fd(STDOUT_FILENO), as_bytes(in_words(answer))).has_value();
}

Result<int> run_on_terminal(const std::vector<std::string>& arguments, const std::string& terminal) {
  auto argv = as_argv(arguments);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(concat("starting ", arguments.front()));
  if (child == 0) {
    take_terminal(terminal);
    ::execv(argv.front(), argv.data());
    ::_exit(kCannotExecute);
  }
  return wait_for(child);
}

Result<Companion> Companion::start(const std::vector<std::string>& arguments) {
  auto argv = as_argv(arguments);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    return fail_errno(concat("starting ", arguments.front()));
  Fd ours(ends[0]);
  const Fd theirs(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(concat("starting ", arguments.front()));
  if (child == 0) {
    // dup2() onto itself would leave it to be closed.
    const bool ready = theirs.get() == kSocket ? ::fcntl(kSocket, F_SETFD, 0) == 0 : ::dup2(theirs.get(), kSocket) >= 0;
    if (ready) ::execv(argv.front(), argv.data());
    ::_exit(kCannotExecute);
  }
  return Companion(child, std::move(ours));
}

Companion::~Companion() {
  if (child_ < 0) return;
  ::kill(-child_, SIGKILL);  // what it has started, where it leads a session of its own
  ::kill(child_, SIGKILL);
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) continue;
}

const char* terminal_type(std::string_view terminal) {
  constexpr std::string_view kScreen = "/dev/tty";
  if (terminal == "/dev/console") return "linux";
  const bool screen = terminal.starts_with(kScreen) &&
                      terminal.find_first_not_of("0123456789", kScreen.size()) == std::string_view::npos;
  return screen ? "linux" : "vt220";
}

Error execute(const std::string& program, const std::vector<std::string>& arguments) {
  auto argv = as_argv(arguments);
  ::execv(program.c_str(), argv.data());
  return sys_error(concat("executing ", program));
}

}  // namespace vhdboot::sys
