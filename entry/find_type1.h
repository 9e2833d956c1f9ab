// SPDX-License-Identifier: GPL-2.0-or-later
// Boot Loader Specification entries, Type #1: in /loader/entries of the ESP and the XBOOTLDR partition, or, as Fedora
// has them, of the guest's /boot.
#pragma once

#include "disk/guest_disk.h"
#include "entry/guest_entry.h"

namespace vhdboot::entry {

/// The guest disk must outlive what is found.
[[nodiscard]] FoundEntries find_type1_entries(disk::GuestDisk& disk);

}  // namespace vhdboot::entry
