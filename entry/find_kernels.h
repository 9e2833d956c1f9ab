// SPDX-License-Identifier: GPL-2.0-or-later
// Kernels in a distribution's /boot, with the command line that its boot loader would give them.
#pragma once

#include "disk/guest_disk.h"
#include "entry/guest_entry.h"

namespace vhdboot::entry {

/// Kernels of one system, which may lie in several folders (its /boot partition, the /boot of its root), have one
/// BootEntry::system and so come newest first. The systems of a disk are kept apart, in the order of their folders, as
/// nobody compares the kernels of Debian with those of Fedora; so are folders of which nothing says whose they are. A
/// /boot partition belongs to the only root there is, or to the one alone whose fstab mounts it.
/// The guest disk must outlive what is found.
[[nodiscard]] FoundEntries find_kernels(disk::GuestDisk& disk);

}  // namespace vhdboot::entry
