// SPDX-License-Identifier: GPL-2.0-or-later
// Loop devices: a file or a block device shown as a disk with partitions.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace vhdboot::sys {

struct LoopOptions {
  bool read_only = true;
  bool direct_io = true;
  std::uint64_t offset = 0;        ///< bytes into the backing file where the disk begins
  std::uint64_t size_limit = 0;    ///< bytes that are shown; 0 = all. A multiple of 512.
  std::uint32_t block_size = 512;  ///< logical block, as the guest's partition table counts
  int first_number = 0;            ///< no device of a lower number is taken
  bool auto_clear = false;         ///< detached by its last user, even if this process is killed
  bool partitions = true;          ///< they are looked for
};

/// An attached loop device; detached when the object ends.
class LoopDevice {
 public:
  /// Attaches `backing`; its partitions are there when it returns. `name` is what losetup shows (63 characters at
  /// most). As long as it is attached it has `backing` open: locks of that stay.
  [[nodiscard]] static Result<LoopDevice> attach(const Fd& backing, const std::string& name,
                                                 const LoopOptions& options);
  LoopDevice(LoopDevice&&) noexcept = default;
  LoopDevice& operator=(LoopDevice&&) noexcept = default;
  /// One that was left attached; see attached_loops().
  [[nodiscard]] static Result<LoopDevice> take(int number);
  ~LoopDevice();

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] std::string name() const;  ///< "loop0"
  [[nodiscard]] std::string path() const;  ///< "/dev/loop0"
  /// What the kernel made of options.direct_io: it falls back to buffered I/O without a word.
  [[nodiscard]] bool direct_io() const { return direct_io_; }

  /// No TRIM any more, in this disk and its partitions.
  [[nodiscard]] Result<void> refuse_trim() const;

  [[nodiscard]] Result<void> detach();
  /// It stays attached when the object ends.
  void leave() { device_ = Fd(); }

 private:
  LoopDevice(Fd device, int number) : device_(std::move(device)), number_(number) {}
  Fd device_;
  int number_;
  bool direct_io_ = false;
};

/// A loop device that shows something.
struct AttachedLoop {
  int number = 0;
  std::string name;  ///< that it was attached with
};

/// All of them. Those that this process may not ask are missing.
[[nodiscard]] std::vector<AttachedLoop> attached_loops();

}  // namespace vhdboot::sys
