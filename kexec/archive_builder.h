// SPDX-License-Identifier: GPL-2.0-or-later
// The archive that stage 1 appends to the guest's initrd: newc cpio, the same bytes for the same contents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/cpio.h"
#include "base/result.h"

namespace vhdboot::kexec {

/// Collects files and writes them as one archive. Owner 0:0, time 0, inode numbers in order. Paths are absolute or
/// relative ("/a/b" and "a/b" are the same file). Directories on the way to a file are added (mode 0755) when they are
/// not there yet; adding a directory again is no error and changes nothing.
/// Invalid: a path with an empty, "." or ".." component, one that was added before as something else, one that runs
/// through a file; a path, target or file too long for the format.
class ArchiveBuilder {
 public:
  [[nodiscard]] Result<void> add_directory(std::string_view path, std::uint32_t mode = 0755);
  /// Copies `contents`.
  [[nodiscard]] Result<void> add_file(std::string_view path, Bytes contents, std::uint32_t mode = 0644);
  [[nodiscard]] Result<void> add_symlink(std::string_view path, std::string_view target);

  /// Bytes of the finished archive, were it finished now; a multiple of 4.
  [[nodiscard]] std::uint64_t size() const { return entries_size_ + cpio::kTrailerSize; }

  /// The archive. Place it 4-byte aligned; what precedes it is another archive or zero bytes.
  [[nodiscard]] std::vector<std::byte> finish() const;

 private:
  struct Entry {
    std::string path;  // without a leading '/'
    std::uint32_t mode;
    std::vector<std::byte> data;
  };

  [[nodiscard]] Result<std::string> normalise(std::string_view path) const;
  [[nodiscard]] Result<void> add_parents(std::string_view path);
  [[nodiscard]] Result<void> add(std::string path, std::uint32_t mode, Bytes data);
  [[nodiscard]] const Entry* find(std::string_view path) const;

  std::vector<Entry> entries_;
  std::map<std::string, std::size_t, std::less<>> index_;  // path -> position in entries_
  std::uint64_t entries_size_ = 0;
};

}  // namespace vhdboot::kexec
