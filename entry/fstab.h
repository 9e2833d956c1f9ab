// SPDX-License-Identifier: GPL-2.0-or-later
// The guest's /etc/fstab: fstab(5).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::entry {

inline constexpr std::size_t kMaxFstabBytes = 1024 * 1024;
inline constexpr std::size_t kMaxFstabEntries = 4096;

/// One line. Octal escapes ("\040") are undone; what is not in the line is empty.
struct FstabEntry {
  std::string spec;  ///< "UUID=...", "/dev/sda2", "tmpfs": quotes around the value of a tag stay
  std::string file;  ///< the mount point; "none" or "swap" for swap space
  std::string type;
  std::string options;      ///< separated by commas
  unsigned line = 0;        ///< from 1
  bool is_checked = false;  ///< by fsck(8), before it is mounted: the sixth field

  friend bool operator==(const FstabEntry&, const FstabEntry&) = default;
};

/// The entries in order. Lines with fewer than three fields are passed over, as mount(8) does, and so is what follows
/// the sixth. Corrupt beyond the caps.
[[nodiscard]] Result<std::vector<FstabEntry>> parse_fstab(std::string_view text);

/// What is mounted at `mount_point` ("/", "/boot"; a '/' at the end does not count): the last such entry, as it would
/// cover the others; null when there is none.
[[nodiscard]] const FstabEntry* find_mount(const std::vector<FstabEntry>& entries, std::string_view mount_point);

}  // namespace vhdboot::entry
