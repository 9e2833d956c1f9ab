// SPDX-License-Identifier: GPL-2.0-or-later
// What Limine on the guest disk would start.
#pragma once

#include <vector>

#include "disk/guest_disk.h"
#include "entry/bls.h"
#include "entry/guest_entry.h"

namespace vhdboot::entry {

/// Adds the entries of the first configuration of Limine on these partitions, as entries of `menu`, to what was found
/// there. One that starts an image which was found, with nothing of its own, is that one. Limine's default is marked,
/// unless systemd-boot's program is there as well: then its menu is the one that counts. Whether it was marked. The
/// guest disk must outlive what is found.
[[nodiscard]] bool add_limine_entries(disk::GuestDisk& disk, const std::vector<const disk::GuestPartition*>& partitions,
                                      Menu menu, FoundEntries& found);

}  // namespace vhdboot::entry
