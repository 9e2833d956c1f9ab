// SPDX-License-Identifier: GPL-2.0-or-later
// What is mounted where (proc_pid_mountinfo(5)).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::tools {

inline constexpr std::size_t kMaxMountTable = 16 * 1024 * 1024;

struct MountedVolume {
  std::string numbers;  ///< of the file system's device: "8:3"
  std::string top;      ///< what of the file system is seen there: "/", or a folder of it
  std::string place;    ///< the directory
  std::string type;     ///< "ntfs3"
  std::string source;   ///< "/dev/sda3"
  bool read_only = false;

  friend bool operator==(const MountedVolume&, const MountedVolume&) = default;
};

/// Lines that are none of the format are passed over.
[[nodiscard]] std::vector<MountedVolume> parse_mount_table(std::string_view text);

/// The one that holds the absolute path `path`, which has neither "." nor ".." nor links: of the longest place the
/// last. Null when there is none.
[[nodiscard]] const MountedVolume* mount_of(const std::vector<MountedVolume>& table, std::string_view path);

/// `path` as the file system has it, from its own top: "/boot/debian.vhd" of "/media/data/boot/debian.vhd".
[[nodiscard]] std::string path_on_volume(const MountedVolume& volume, std::string_view path);

}  // namespace vhdboot::tools
