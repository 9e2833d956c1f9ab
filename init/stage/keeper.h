// SPDX-License-Identifier: GPL-2.0-or-later
// Keepers: processes that stay when stage 2 is gone, until the guest has come to where something can be left for it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <utility>

#include "base/fd.h"
#include "base/result.h"
#include "init/sys/console.h"

namespace vhdboot::stage {

/// Process 1's root directory, in a keeper: all paths of a keeper begin in a proc of its own, its working directory,
/// because the guest's init moves and unmounts /proc as it likes.
inline constexpr char kProcessOneRoot[] = "1/root";

/// Wakes whoever waits for a change of the mount table (proc_pid_mountinfo(5)). For keepers.
class MountTable {
 public:
  [[nodiscard]] static Result<MountTable> open();
  void wait_for_change() const;

 private:
  explicit MountTable(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

/// A process that lives on in the guest. It ends with this object, unless the guest has taken over by then.
class Keeper {
 public:
  /// Does `work` in a new process, which logs an error of it and ends. Its argv[0] becomes "@...": systemd lets such a
  /// process live while it kills everything else of the initrd. Needs /dev.
  [[nodiscard]] static Result<Keeper> start(const std::function<Result<void>(const sys::Reporter&)>& work);
  Keeper(Keeper&& other) noexcept : process_(std::exchange(other.process_, 0)) {}
  Keeper& operator=(Keeper&& other) noexcept {
    std::swap(process_, other.process_);
    return *this;
  }
  ~Keeper();

 private:
  explicit Keeper(pid_t process) : process_(process) {}
  pid_t process_;
};

}  // namespace vhdboot::stage
