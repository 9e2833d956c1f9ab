// SPDX-License-Identifier: GPL-2.0-or-later
// Mounts, in a directory for as long as an object lives or detached from any directory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace vhdboot::sys {

/// A mounted file system; unmounted when the object ends.
class Mount {
 public:
  /// Creates `target` when it is missing. `flags` as mount(2) takes them, `options` as the file system does.
  [[nodiscard]] static Result<Mount> mount(const std::string& source, const std::string& target,
                                           const std::string& type, unsigned long flags,
                                           const std::string& options = {});
  Mount(Mount&& other) noexcept : target_(std::exchange(other.target_, {})) {}
  Mount& operator=(Mount&& other) noexcept {
    std::swap(target_, other.target_);
    return *this;
  }
  ~Mount();

  [[nodiscard]] const std::string& target() const { return target_; }

  /// Unmounts now and says whether that worked; Busy when something still uses it.
  [[nodiscard]] Result<void> unmount();

  /// Leaves it mounted.
  void release() { target_.clear(); }

 private:
  explicit Mount(std::string target) : target_(std::move(target)) {}
  std::string target_;
};

/// Mounts `source` without a place in the directory tree: visible to the holder of the descriptor alone,
/// which stands for its root directory. It ends with its last user (kernel 5.2 or newer).
[[nodiscard]] Result<Fd> mount_detached(const std::string& source, const std::string& type);

/// The same read-only, without device nodes and programs; `options` as the file system takes them, with commas.
[[nodiscard]] Result<Fd> mount_detached_read_only(const std::string& source, const std::string& type,
                                                  std::string_view options);

/// Whether a file system of its own is mounted on the directory.
[[nodiscard]] bool is_mount_point(const std::string& directory);

/// Makes the file system that is mounted on `directory` the root of this process, on top of the initramfs.
[[nodiscard]] Result<void> switch_root(const std::string& directory);

/// proc on /proc, sysfs on /sys, devtmpfs on /dev, those that are not there yet; gone from there when the object ends,
/// even while files in them are open.
class ApiFileSystems {
 public:
  [[nodiscard]] static Result<ApiFileSystems> mount();
  ApiFileSystems(ApiFileSystems&&) noexcept = default;
  ApiFileSystems& operator=(ApiFileSystems&&) noexcept = default;
  ~ApiFileSystems();

 private:
  ApiFileSystems() = default;
  std::vector<Mount> mounts_;
};

}  // namespace vhdboot::sys
