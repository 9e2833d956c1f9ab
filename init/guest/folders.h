// SPDX-License-Identifier: GPL-2.0-or-later
// The folders of the guest disk that matter to a boot.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "init/guest/disk.h"

namespace vhdboot::guest {

/// A folder with boot files: of a root file system (its /boot), or the top of a partition of its own.
struct BootFolder {
  GuestTree top;       ///< the file system, or the subvolume with the root: what paths in its files begin at
  std::string folder;  ///< in `top`: "/boot", or "" for the top itself
};

/// Every one, by partition; those of ESP and XBOOTLDR too. Partitions that cannot be read are passed over.
[[nodiscard]] std::vector<BootFolder> boot_folders(GuestDisk& disk);

/// The guest's root file system, as the first that has an /etc/fstab.
[[nodiscard]] std::optional<GuestTree> root_tree(GuestDisk& disk);

}  // namespace vhdboot::guest
