// SPDX-License-Identifier: GPL-2.0-or-later
// Memory as a block device, for what is written to a snapshot.
//
// A loop device over a file in a ramfs of its own, which nobody else can see. It takes a page when that is written for
// the first time and never gives one to swap. The file system knows no limit, the size of the device is the only one;
// and a kernel thread that needs a page waits for one, so no write fails before. Every kernel has a ramfs.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "init/sys/loop.h"

namespace vhdboot::sys {

/// Gone when the object ends; before that nothing may use it any more.
class MemoryStore {
 public:
  /// `name` is what losetup shows. Full of zeroes.
  [[nodiscard]] static Result<MemoryStore> make(const std::string& name, std::uint64_t size);

  /// "7:900"
  [[nodiscard]] const std::string& numbers() const { return numbers_; }
  [[nodiscard]] Result<void> detach() { return loop_.detach(); }
  /// It stays when the object ends.
  void leave() { loop_.leave(); }

 private:
  MemoryStore(LoopDevice loop, std::string numbers) : loop_(std::move(loop)), numbers_(std::move(numbers)) {}
  LoopDevice loop_;
  std::string numbers_;
};

}  // namespace vhdboot::sys
