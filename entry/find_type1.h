// SPDX-License-Identifier: GPL-2.0-or-later
// Boot Loader Specification entries, Type #1: the files in /loader/entries.
#pragma once

#include <vector>

#include "disk/guest_disk.h"
#include "entry/folders.h"
#include "entry/guest_entry.h"

namespace vhdboot::entry {

/// Those of these folders, as entries of `menu`. One whose kernel, image or initrd is not there, or whose kernel is
/// none, is broken. Where GRUB's files lie in the folder, the entry that GRUB would start is marked as the default.
/// The guest disk must outlive what is found.
[[nodiscard]] FoundEntries find_type1_entries(disk::GuestDisk& disk, const std::vector<BootFolder>& folders, Menu menu);

}  // namespace vhdboot::entry
