// SPDX-License-Identifier: GPL-2.0-or-later
// A file system, open for reading, whoever reads it: the kernel or code of ours.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"

namespace vhdboot::disk {

/// What tells a file from all others.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  friend bool operator==(const FileId&, const FileId&) = default;
};

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
  /// The same for each name of a file while its file system is mounted, here or elsewhere; nothing when that is not
  /// known.
  [[nodiscard]] virtual std::optional<FileId> id(const std::string& /*path*/) const { return std::nullopt; }
  /// The whole of it; NoMemory when it is larger than `cap` bytes.
  [[nodiscard]] virtual Result<std::vector<std::byte>> read(const std::string& path, std::uint64_t cap) const = 0;
};

/// A folder of a file system, borrowed from that. Paths begin at the folder.
class Folder {
 public:
  explicit Folder(const FileTree& files, std::string folder = {}) : files_(&files), folder_(std::move(folder)) {}

  /// The folder `path` ("/boot") of this one.
  [[nodiscard]] Folder below(std::string_view path) const { return Folder(*files_, full_path(path)); }
  /// The path from the root of the file system; empty for that root itself.
  [[nodiscard]] std::string full_path(std::string_view path) const;

  [[nodiscard]] bool has(std::string_view path) const { return files_->has(full_path(path)); }
  [[nodiscard]] bool is_folder(std::string_view path) const { return files_->is_folder(full_path(path)); }
  /// The names in a directory, sorted; empty when it cannot be read.
  [[nodiscard]] std::vector<std::string> list(std::string_view path) const { return files_->list(full_path(path)); }
  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::string_view path) const {
    return files_->open(full_path(path));
  }
  [[nodiscard]] std::uint64_t subvolume(std::string_view path) const { return files_->subvolume(full_path(path)); }
  [[nodiscard]] std::optional<FileId> id(std::string_view path) const { return files_->id(full_path(path)); }
  [[nodiscard]] Result<std::vector<std::byte>> read(std::string_view path, std::uint64_t cap) const {
    return files_->read(full_path(path), cap);
  }
  [[nodiscard]] Result<std::string> read_text(std::string_view path, std::uint64_t cap) const;

 protected:
  [[nodiscard]] const FileTree& files() const { return *files_; }

 private:
  const FileTree* files_;
  std::string folder_;  // "" or "/a/b"
};

}  // namespace vhdboot::disk
