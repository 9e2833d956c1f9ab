// SPDX-License-Identifier: GPL-2.0-or-later
// Unified kernel images in /EFI/Linux, with what lies beside them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "disk/guest_disk.h"
#include "entry/guest_entry.h"

namespace vhdboot::entry {

/// On these partitions, as entries of `menu`. The guest disk must outlive what is found.
[[nodiscard]] FoundEntries find_ukis(disk::GuestDisk& disk, const std::vector<const disk::GuestPartition*>& partitions,
                                     Menu menu);

/// The image as it is, if its kernel is one that can be started. Errors as parse_uki() and kexec::parse_bzimage().
[[nodiscard]] Result<Uki> look_at_uki(const disk::GuestTree& tree, const std::string& path);

/// Whether a program is an image, else it is a kernel that can be started: its file says so, whatever an entry calls
/// it. Errors as kexec::parse_bzimage(), when it is neither.
[[nodiscard]] Result<bool> is_image(const disk::GuestTree& tree, const std::string& path);

/// An image on the partition of `tree`, as `entry`, with what lies beside it; the options and extras of a Type #1 entry
/// are given to it as systemd-boot does.
[[nodiscard]] Result<GuestEntry> open_uki(const disk::GuestTree& tree, const std::string& path, const BootEntry& entry,
                                          const OpenRequest& request);

}  // namespace vhdboot::entry
