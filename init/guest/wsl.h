// SPDX-License-Identifier: GPL-2.0-or-later
// A guest that is a distribution of WSL 2: what WSL does for it and another machine does not, its network and its
// accounts, is made up for in its /run. Nothing in its files is changed, so WSL starts it as before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/file_tree.h"
#include "disk/selector.h"
#include "entry/fstab.h"
#include "init/guest/host_mount_unit.h"

namespace vhdboot::guest {

/// Goes to the command line of such a guest: its fstab is not read, and would have said that "/" is written to.
inline constexpr std::string_view kWslOptions = "rw fstab=no";

/// What is left out and not made up for, a sentence a line, below the guest's /run.
inline constexpr std::string_view kWslNotes = "vhdboot/notes";

/// Whether a root file system has what WSL configures a distribution by.
[[nodiscard]] bool is_wsl(const disk::Folder& root);

/// Unsupported, with the cure, when nothing in a root file system could be started first.
[[nodiscard]] Result<void> check_has_init(const disk::Folder& root);

struct WslPlan {
  std::vector<GuestFile> files;         ///< each named by its path below the guest's /run
  std::vector<entry::FstabEntry> kept;  ///< what the guest mounts
  std::vector<std::string> notes;       ///< sentences: what is left out, and what is not made up for
};

/// `text`: of fs-skeleton/wsl; `present`: the devices that the guest will see; `auto_login`: its usual user is logged
/// in on the first screen and the serial lines. For a guest whose init is systemd. Errors of what WSL's own files say.
[[nodiscard]] Result<WslPlan> plan_wsl(const disk::Folder& root, const std::vector<entry::FstabEntry>& fstab,
                                       const std::vector<disk::Identity>& present, bool auto_login,
                                       std::string_view text);

}  // namespace vhdboot::guest
