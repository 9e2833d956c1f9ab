// SPDX-License-Identifier: GPL-2.0-or-later
// What programs have in common that stay in the guest, and on which its disk depends.
#pragma once

#include <sys/types.h>

#include <initializer_list>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace vhdboot::stage {

/// Memory may have to be freed by writing to the disk that this process serves: it must never wait for that. No child
/// inherits all of it.
[[nodiscard]] Result<void> need_no_disk();

/// Closes all but these, and standard input, output and error.
void close_all_but(std::initializer_list<int> kept);

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
