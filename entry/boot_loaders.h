// SPDX-License-Identifier: GPL-2.0-or-later
// Which boot loaders are installed on the guest disk: their files may be left from before.
#pragma once

#include <vector>

#include "disk/guest_disk.h"

namespace vhdboot::entry {

/// systemd-boot's program is on one of these partitions, by its usual name or as the one that firmware starts itself.
[[nodiscard]] bool has_systemd_boot(disk::GuestDisk& disk, const std::vector<const disk::GuestPartition*>& partitions);

/// GRUB's program for EFI is on one of these partitions.
[[nodiscard]] bool has_grub(disk::GuestDisk& disk, const std::vector<const disk::GuestPartition*>& partitions);

}  // namespace vhdboot::entry
