// SPDX-License-Identifier: GPL-2.0-or-later
// Which parts of a guest disk that forgets are kept.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/range.h"
#include "base/result.h"
#include "disk/guest_disk.h"
#include "disk/selector.h"

namespace vhdboot::guest {

/// The bytes of the guest disk that the selected partitions take, in their order on it. `disk_size`: bytes.
/// Invalid for a selector that is no partition's, or several ones'. Unsupported, with both of
/// them, where what is on a kept partition may go on on one that forgets: one half would remember what the other does
/// not. That are members of LVM and RAID, LUKS, what nobody knows, and a file system of several devices. Unsupported
/// also for a partition that shares bytes with another one or with the partition table.
[[nodiscard]] Result<std::vector<Range>> kept_partitions(const disk::GuestDisk& disk, std::uint64_t disk_size,
                                                         std::span<const disk::Selector> selectors);

}  // namespace vhdboot::guest
