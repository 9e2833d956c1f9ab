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

// The rest of what is done with files, of base/fd.h.
using vhdboot::open_file;
using vhdboot::read_all;
using vhdboot::read_file;
using vhdboot::read_text;

/// Opens `path` below `root` as a process whose root directory is `root` would (openat2, RESOLVE_IN_ROOT): symbolic
/// links of a foreign file system cannot lead out of it.
[[nodiscard]] Result<Fd> open_below(const Fd& root, const std::string& path, int flags);

/// The first line of a small file, such as an attribute of sysfs; empty when it cannot be read.
[[nodiscard]] std::string read_attribute(const std::string& path);

[[nodiscard]] Result<void> write_all(const Fd& file, Bytes bytes);
[[nodiscard]] Result<void> write_file(const std::string& path, Bytes bytes, mode_t mode = 0644);

/// Creates the directory and its parents; one that is there already is fine.
[[nodiscard]] Result<void> make_directories(const std::string& path, mode_t mode = 0755);

/// Renames a file, never over another one: EEXIST.
[[nodiscard]] Result<void> rename_to_new(const std::string& from, const std::string& to);

[[nodiscard]] bool exists(const std::string& path);

/// The part of a read that a disk can write into memory by itself (O_DIRECT): whole blocks, on whole blocks.
struct DirectPart {
  std::size_t skip = 0;  ///< bytes before it
  std::size_t length = 0;
  friend bool operator==(const DirectPart&, const DirectPart&) = default;
};

/// Of `length` bytes from `offset` of a file, to the address `to`. Length 0 when it is not worth it, or not possible.
[[nodiscard]] DirectPart direct_part(std::uint64_t offset, std::uintptr_t to, std::size_t length);

/// A regular file or block device, read at any place. Owns its descriptor. A large read into memory that lies in a page
/// as it lies in the file leaves the page cache out, where the file system can do that.
class FdSource final : public ByteSource {
 public:
  [[nodiscard]] static Result<std::unique_ptr<FdSource>> open(const std::string& path);
  [[nodiscard]] static Result<std::unique_ptr<FdSource>> adopt(Fd fd);

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;
  [[nodiscard]] const Fd& fd() const { return fd_; }

 private:
  FdSource(Fd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}
  [[nodiscard]] std::size_t read_directly(std::uint64_t offset, MutableBytes out) const;

  Fd fd_;
  std::uint64_t size_;
};

/// A file in memory with that content, open read-only and for nobody else: kexec_file_load refuses a file that is open
/// for writing.
[[nodiscard]] Result<Fd> memory_file(const char* name, Bytes content);

}  // namespace vhdboot::sys
