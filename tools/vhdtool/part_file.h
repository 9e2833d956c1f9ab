// SPDX-License-Identifier: GPL-2.0-or-later
// A file that is made under another name beside its place, and gets its own one when it is complete.
#pragma once

#include <string>

#include "base/result.h"

namespace vhdboot::vhdtool {

/// Where a path leads, symbolic links followed: what is renamed or replaced is the file. As it is when it leads
/// nowhere.
[[nodiscard]] std::string real_path(const std::string& path);

/// Whether there is anything of that name, a dangling link too.
[[nodiscard]] bool is_there(const std::string& path);

/// Returns when the names in the folder of `path` are on stable storage, where the file system can promise that.
[[nodiscard]] Result<void> sync_folder_of(const std::string& path);

/// Renames, never over a file that came into being meanwhile, where the file system has a way to say so. EEXIST.
[[nodiscard]] Result<void> rename_to_free(const std::string& from, const std::string& to);

/// The name of the meantime. What has it is removed when this ends, unless it got its own name.
class PartFile {
 public:
  /// Of the file that is to be `path`.
  explicit PartFile(const std::string& path) : path_(part_path(path)) {}
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  ~PartFile();

  [[nodiscard]] static std::string part_path(const std::string& path) { return path + ".vhdtool-part"; }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// As rename_to_free(), durable.
  [[nodiscard]] Result<void> become(const std::string& path);
  /// From now on it stays, whatever happens.
  void keep() { path_.clear(); }

 private:
  std::string path_;
};

}  // namespace vhdboot::vhdtool
