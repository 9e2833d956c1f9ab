// SPDX-License-Identifier: GPL-2.0-or-later
// The parents of an image on a mounted volume.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "disk/file_tree.h"
#include "vhd/disk.h"

namespace vhdboot::vhdtool {

/// Beside their child, and where `parent-volume` of a configuration has them looked for: another mounted volume.
class MountedParents {
 public:
  /// `other`: the folder where that volume is mounted; empty: there is none. An error when it is no folder.
  [[nodiscard]] static Result<MountedParents> on(std::string other);

  /// For vhd::open_disk(). Remembers what it has found.
  [[nodiscard]] Result<vhd::OpenedFile> open(std::string_view child, std::string_view name);

  /// Their paths, in the order in which they were opened.
  [[nodiscard]] const std::vector<std::string>& found() const { return found_; }
  /// Whether one of them is on the other volume.
  [[nodiscard]] bool is_used() const { return is_used_; }

 private:
  MountedParents(std::string other, std::unique_ptr<const disk::FileTree> tree)
      : other_(std::move(other)), tree_(std::move(tree)) {}

  // Without a file: it is not there.
  [[nodiscard]] Result<vhd::OpenedFile> look_elsewhere(const std::string& child, std::string_view name) const;

  std::string other_;
  std::unique_ptr<const disk::FileTree> tree_;  // of the other volume; null: there is none
  std::vector<std::string> found_;
  bool is_used_ = false;
};

}  // namespace vhdboot::vhdtool
