// SPDX-License-Identifier: GPL-2.0-or-later
// A file descriptor that closes itself, and whole reads and writes through one.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }
  /// The caller closes it from now on.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// Opens those of descriptors 0, 1 and 2 on /dev/null that a program was started without. Otherwise the next file that
/// is opened becomes one of them, and what is printed is written into it. False when that fails: then nothing may be
/// opened for writing.
[[nodiscard]] bool open_standard_streams();

/// open(2) with O_CLOEXEC; the error names the path.
[[nodiscard]] Result<Fd> open_file(const std::string& path, int flags, mode_t mode = 0);

/// Reads from byte `offset` on; how many bytes, fewer than asked for only at the end.
[[nodiscard]] Result<std::size_t> read_some(const Fd& file, std::uint64_t offset, MutableBytes out);

/// Fills `out` from byte `offset` on. Io when the file ends before: somebody made it shorter.
[[nodiscard]] Result<void> read_at(const Fd& file, std::uint64_t offset, MutableBytes out);

/// Writes all of `data` from byte `offset` on. After an error a part of it may have been written.
[[nodiscard]] Result<void> write_at(const Fd& file, std::uint64_t offset, Bytes data);

/// The whole content. NoMemory when it is larger than `cap` bytes. Works for files of /proc and /sys too.
[[nodiscard]] Result<std::vector<std::byte>> read_all(const Fd& file, std::uint64_t cap);
[[nodiscard]] Result<std::vector<std::byte>> read_file(const std::string& path, std::uint64_t cap);
[[nodiscard]] Result<std::string> read_text(const std::string& path, std::uint64_t cap = 1 << 20);

}  // namespace vhdboot
