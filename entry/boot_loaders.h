// SPDX-License-Identifier: GPL-2.0-or-later
// Which boot loaders are installed on the guest disk, on its ESPs: their files may be left from before.
#pragma once

#include <string>
#include <vector>

#include "disk/guest_disk.h"

namespace vhdboot::entry {

/// What firmware starts on a disk that it does not know (UEFI 2.10, 3.5.1.1).
inline constexpr const char* kFirmwaresOwn = "/EFI/BOOT/BOOTX64.EFI";

/// The folders with programs: "/EFI/debian"; not more than 64.
[[nodiscard]] std::vector<std::string> program_folders(const disk::GuestTree& tree);

/// There is any program for EFI on one of these partitions.
[[nodiscard]] bool has_programs(disk::GuestDisk& disk, const std::vector<const disk::GuestPartition*>& partitions);

/// systemd-boot's program is on one of these partitions, by its usual name or as the one that firmware starts itself.
[[nodiscard]] bool has_systemd_boot(disk::GuestDisk& disk, const std::vector<const disk::GuestPartition*>& partitions);

/// GRUB's program for EFI is on one of these partitions, by its usual name or as the one that firmware starts itself.
[[nodiscard]] bool has_grub(disk::GuestDisk& disk, const std::vector<const disk::GuestPartition*>& partitions);

}  // namespace vhdboot::entry
