// SPDX-License-Identifier: GPL-2.0-or-later
// A child that handles foreign bytes for the calling program. It gives up its rights first (init/sys/confinement.h):
// what those bytes can do to it, they do to nobody else. In a boot it is a program of its own, so that process 1 has no
// code for what it does.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "init/sys/confinement.h"
#include "init/sys/messages.h"

namespace vhdboot::sys {

/// Of a child that could not execute its program.
inline constexpr int kChildNotExecuted = 127;

/// How a child ended.
struct ChildEnd {
  std::string what;        ///< "crashed (signal 11)"
  bool of_memory = false;  ///< for lack of it
};

class ConfinedChild {
 public:
  /// What the child does: it gets its end of a socket, and does not return.
  using Become = std::function<void(int socket, pid_t parent)>;

  /// The error is one of this machine, without an errno: it would seem to be the device that is not ready. The calling
  /// process may have no threads, unless the child is a program.
  [[nodiscard]] static Result<ConfinedChild> start(std::string_view what, const Become& become);

  ConfinedChild(ConfinedChild&&) noexcept = default;
  ConfinedChild& operator=(ConfinedChild&&) noexcept = default;  // the old one goes with the other
  /// Kills it. One that hangs in the kernel cannot be killed: it is left to its fate.
  ~ConfinedChild();

  [[nodiscard]] const Messages& messages() const { return messages_; }
  [[nodiscard]] pid_t process_id() const { return pid_; }

  /// How it ended, when the other end of the socket is closed.
  [[nodiscard]] ChildEnd end();

 private:
  ConfinedChild(pid_t pid, Fd socket) : pid_(pid), messages_(std::move(socket)) {}

  pid_t pid_;
  Fd process_;  // a pidfd
  Messages messages_;
};

/// In the child: becomes the program at `path`, which gets `task`, and a word of its own. Returns when it cannot be
/// executed, with errno.
void execute_confined(const std::string& path, std::string word, const ChildTask& task);

struct ConfinedArguments {
  std::string_view word;
  ChildTask task;  ///< with a device, whether or not there is one
};
/// What such a program was given; nothing when a person has started it.
[[nodiscard]] std::optional<ConfinedArguments> confined_arguments(std::span<const std::string_view> words);

}  // namespace vhdboot::sys
