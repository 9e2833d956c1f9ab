// SPDX-License-Identifier: GPL-2.0-or-later
// What a child gives up before it looks at foreign bytes, in an order that leaves none: it holds a socket, for some a
// device too, read-only, and nothing else: no capability, no other descriptor, a list of system calls, limits of memory
// and time. See init/sys/confined_child.h for who starts it. Who talks to a network keeps what that takes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/units.h"

namespace vhdboot::sys {

/// Whether this kernel can hold a child to a list of system calls (CONFIG_SECCOMP_FILTER). Without, everything else
/// still holds: it has no right, and cannot open anything.
[[nodiscard]] bool can_filter();

/// What the child may use.
struct ChildLimits {
  std::uint64_t memory = 128 * kMiB;  ///< bytes beside what it inherits
  unsigned cpu_seconds = 60;          ///< in all
  bool filter = can_filter();
};

/// What the child is given.
struct ChildTask {
  int device = -1;    ///< descriptor, for reading; -1: none
  int socket = -1;    ///< descriptor
  pid_t parent = -1;  ///< with which it ends
  ChildLimits limits;
};

/// Exit status of a child that had not memory enough.
inline constexpr int kChildOutOfMemory = 2;

/// Gives up all rights, does `work`, and ends. `failed` says what could not be given up, empty when nothing: otherwise
/// the work is to say so and no more.
[[noreturn]] void work_confined(const ChildTask& task, const std::function<void(const std::string& failed)>& work);

/// Of a process that talks to a network and to its parent, with which it ends: it acts as nobody, who may set up cards
/// and addresses, and can open, start or trace nothing from here on. The error is what could not be given up.
[[nodiscard]] Result<void> keep_network_rights(pid_t parent);

/// Reads from the socket for as long as it takes. False at its end.
[[nodiscard]] bool read_whole(const Fd& socket, MutableBytes out);

}  // namespace vhdboot::sys
