// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the root that a command line names can be on the guest disk.
#pragma once

#include <string>

#include "disk/guest_disk.h"

namespace vhdboot::entry {

/// False for a name by content (UUID=, PARTUUID=, LABEL=, PARTLABEL=) that nothing on the disk has, when nothing on it
/// could hold a file system of that name inside, as LUKS, LVM and RAID do, or cannot be read. True for every other: for
/// names that only the guest knows, and for none.
[[nodiscard]] bool may_hold_root(const disk::GuestDisk& disk, const std::string& root_option);

}  // namespace vhdboot::entry
