// SPDX-License-Identifier: GPL-2.0-or-later
// Files, block devices and memory files.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/fd.h"

namespace vhdboot::sys {

/// open(2) with O_CLOEXEC; the error names the path.
[[nodiscard]] Result<Fd> open_file(const std::string& path, int flags, mode_t mode = 0);

/// Opens `path` below `root` as a process whose root directory is `root` would (openat2, RESOLVE_IN_ROOT): symbolic
/// links of a foreign file system cannot lead out of it.
[[nodiscard]] Result<Fd> open_below(const Fd& root, const std::string& path, int flags);

/// The whole content. NoMemory when it is larger than `cap` bytes. Works for files of /proc and /sys too.
[[nodiscard]] Result<std::vector<std::byte>> read_all(const Fd& file, std::uint64_t cap);
[[nodiscard]] Result<std::vector<std::byte>> read_file(const std::string& path, std::uint64_t cap);
[[nodiscard]] Result<std::string> read_text(const std::string& path, std::uint64_t cap = 1 << 20);

/// The first line of a small file, such as an attribute of sysfs; empty when it cannot be read.
[[nodiscard]] std::string read_attribute(const std::string& path);

[[nodiscard]] Result<void> write_all(const Fd& file, Bytes bytes);
[[nodiscard]] Result<void> write_file(const std::string& path, Bytes bytes, mode_t mode = 0644);

/// Creates the directory and its parents; one that is there already is fine.
[[nodiscard]] Result<void> make_directories(const std::string& path, mode_t mode = 0755);

/// Renames a file, never over another one: EEXIST.
[[nodiscard]] Result<void> rename_to_new(const std::string& from, const std::string& to);

[[nodiscard]] bool exists(const std::string& path);

/// A regular file or block device, read at any place. Owns its descriptor.
class FdSource final : public ByteSource {
 public:
  [[nodiscard]] static Result<std::unique_ptr<FdSource>> open(const std::string& path);
  [[nodiscard]] static Result<std::unique_ptr<FdSource>> adopt(Fd fd);

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;
  [[nodiscard]] const Fd& fd() const { return fd_; }

 private:
  FdSource(Fd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}
  Fd fd_;
  std::uint64_t size_;
};

/// A file in memory that is written once and then read (kexec_file_load refuses a file that is open for writing).
class MemoryFile {
 public:
  [[nodiscard]] static Result<MemoryFile> create(const char* name);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] Result<void> append(Bytes bytes);
  [[nodiscard]] Result<void> append(const ByteSource& source, std::uint64_t offset, std::uint64_t length);
  /// Zero bytes until the size is `size`; Invalid when it is larger already.
  [[nodiscard]] Result<void> pad_to(std::uint64_t size);

  /// Ends writing: the same content, open read-only and for nobody else.
  [[nodiscard]] Result<Fd> seal() &&;

 private:
  explicit MemoryFile(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
  std::uint64_t size_ = 0;
};

}  // namespace vhdboot::sys
