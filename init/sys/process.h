// SPDX-License-Identifier: GPL-2.0-or-later
// Starting programs.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "init/sys/deadline.h"
#include "init/sys/messages.h"

namespace vhdboot::sys {

/// Runs a program to its end; its exit status, or 128 + the signal that ended it. Timeout when it does not end before
/// `deadline`: then it is killed.
[[nodiscard]] Result<int> run(const std::vector<std::string>& arguments, Deadline deadline);

/// Does `work` in a child process: what the kernel may never come back from. Timeout as run(); NoMemory when `work`
/// ended by an exception.
[[nodiscard]] Result<void> do_apart(std::string_view what, const std::function<void()>& work, Deadline deadline);

/// The text that `work` comes back with in a child process, or its error: what the kernel may never come back from, or
/// what foreign bytes may break. At most kMostAnswer bytes. Timeout as run(); Io when the child ended without an
/// answer.
[[nodiscard]] Result<std::string> ask_apart(std::string_view what, const std::function<Result<std::string>()>& work,
                                            Deadline deadline);
inline constexpr std::size_t kMostAnswer = 64 * 1024;

/// The same of a program, which calls give_answer(). The error says so when it cannot be executed.
[[nodiscard]] Result<std::string> ask_program(std::string_view what, const std::vector<std::string>& arguments,
                                              Deadline deadline);
/// What a program does that ask_program() has started, at its end: standard output is closed afterwards. False when
/// nobody hears it.
[[nodiscard]] bool give_answer(const Result<std::string>& answer);

/// Runs a program for as long as a person likes, in a session of its own with `terminal` as its controlling terminal,
/// standard input and output, and TERM for it.
[[nodiscard]] Result<int> run_on_terminal(const std::vector<std::string>& arguments, const std::string& terminal);

/// What TERM says of "/dev/tty0", a screen, or of "/dev/ttyS0" and other lines, behind which there is some terminal.
[[nodiscard]] const char* terminal_type(std::string_view terminal);

/// A program that runs beside us, with one end of a socket as its descriptor kSocket. It is killed when this ends.
class Companion {
 public:
  static constexpr int kSocket = 3;

  [[nodiscard]] static Result<Companion> start(const std::vector<std::string>& arguments);

  Companion(Companion&& other) noexcept
      : child_(std::exchange(other.child_, -1)), messages_(std::move(other.messages_)) {}
  Companion& operator=(Companion&&) = delete;
  ~Companion();

  [[nodiscard]] const Messages& messages() const { return messages_; }

 private:
  Companion(pid_t child, Fd socket) : child_(child), messages_(std::move(socket)) {}

  pid_t child_;
  Messages messages_;
};

/// Becomes another program, with the present environment. Returns only on failure.
[[nodiscard]] Error execute(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace vhdboot::sys
