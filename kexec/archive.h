// SPDX-License-Identifier: GPL-2.0-or-later
// The archive that stage 1 appends to the guest's initrd: newc cpio, the same bytes for the same contents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::kexec {

/// Builds the archive in memory. Owner 0:0, time 0, inode numbers in order. Paths are absolute or relative ("/a/b" and
/// "a/b" are the same file); "." and ".." and empty components are Invalid, so is a path that was added before as
/// something else. Directories on the way to a file are added (mode 0755) when they are not there yet.
class ArchiveBuilder {
 public:
  [[nodiscard]] Result<void> add_directory(std::string_view path, std::uint32_t mode = 0755);
  [[nodiscard]] Result<void> add_file(std::string_view path, Bytes contents, std::uint32_t mode = 0644);
  [[nodiscard]] Result<void> add_symlink(std::string_view path, std::string_view target);

  /// Bytes so far, without the trailer.
  [[nodiscard]] std::size_t size() const { return out_.size(); }

  /// Closes the archive and gives it away (its size is a multiple of 4); the builder is empty again.
  [[nodiscard]] std::vector<std::byte> finish();

 private:
  Result<std::string> claim(std::string_view path);
  Result<void> add_parents(std::string_view path);
  Result<void> append(std::string_view name, std::uint32_t mode, Bytes contents);

  std::vector<std::byte> out_;
  std::set<std::string, std::less<>> directories_;
  std::set<std::string, std::less<>> others_;
  std::uint32_t inode_ = 0;
};

}  // namespace vhdboot::kexec
