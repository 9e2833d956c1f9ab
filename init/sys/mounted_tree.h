// SPDX-License-Identifier: GPL-2.0-or-later
// A mounted file system as a tree of files.
#pragma once

#include <memory>
#include <utility>

#include "base/fd.h"
#include "disk/file_tree.h"

namespace vhdboot::sys {

class MountedTree final : public disk::FileTree {
 public:
  /// `root` is the root directory of the file system, as mount_detached() returns it; `device`, what it lies on if that
  /// is to go with it.
  explicit MountedTree(Fd root, std::shared_ptr<const void> device = nullptr)
      : device_(std::move(device)), root_(std::move(root)) {}

  [[nodiscard]] bool has(const std::string& path) const override;
  [[nodiscard]] bool is_folder(const std::string& path) const override;
  [[nodiscard]] std::vector<std::string> list(const std::string& path) const override;
  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(const std::string& path) const override;
  [[nodiscard]] Result<std::vector<std::byte>> read(const std::string& path, std::uint64_t cap) const override;
  [[nodiscard]] std::uint64_t subvolume(const std::string& path) const override;
  [[nodiscard]] std::optional<disk::FileId> id(const std::string& path) const override;

 private:
  [[nodiscard]] Result<Fd> open_in(const std::string& path, int flags) const;

  // Destroyed from the last to the first.
  std::shared_ptr<const void> device_;
  Fd root_;
};

}  // namespace vhdboot::sys
