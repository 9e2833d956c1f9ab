// SPDX-License-Identifier: GPL-2.0-or-later
// A file system of the guest, open for reading, whoever reads it: the kernel or code of ours.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"

namespace vhdboot::disk {

/// Paths begin at the root of the file system; "" is that root. Symbolic links do not lead out of it.
class FileTree {
 public:
  FileTree() = default;
  FileTree(const FileTree&) = delete;
  FileTree& operator=(const FileTree&) = delete;
  virtual ~FileTree() = default;

  [[nodiscard]] virtual bool has(const std::string& path) const = 0;
  [[nodiscard]] virtual bool is_folder(const std::string& path) const = 0;
  /// The names in a directory, sorted; empty when it cannot be read.
  [[nodiscard]] virtual std::vector<std::string> list(const std::string& path) const = 0;
  /// A regular file. What is returned may need the tree to live on.
  [[nodiscard]] virtual Result<std::unique_ptr<ByteSource>> open(const std::string& path) const = 0;
  /// Which subvolume of a btrfs begins at this folder: one number for each while the file system is mounted, here or
  /// elsewhere; 0 where none begins.
  [[nodiscard]] virtual std::uint64_t subvolume(const std::string& /*path*/) const { return 0; }
  /// The whole of it; NoMemory when it is larger than `cap` bytes.
  [[nodiscard]] virtual Result<std::vector<std::byte>> read(const std::string& path, std::uint64_t cap) const = 0;
};

}  // namespace vhdboot::disk
