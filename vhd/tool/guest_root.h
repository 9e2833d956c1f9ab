// SPDX-License-Identifier: GPL-2.0-or-later
// Looks into the root file system of a guest disk: the one thing in an image that takes a mount, and so root.
#pragma once

#include <vector>

#include "base/extent.h"
#include "base/fd.h"
#include "base/result.h"
#include "init/core/modules.h"
#include "init/core/partition_table.h"
#include "vhd/tool/check_entry.h"

namespace vhdboot::tool {

/// The lists of modules of the kernel that `choice` boots. `backing` is open for reading and holds the guest disk as
/// `extents` tell: itself an image, or a volume with one. Partitions are attached and mounted read-only, out of sight
/// of everybody else; the kernel undoes that with this process, however it ends. Errors say, for a person, why they
/// could not be read.
[[nodiscard]] Result<core::ModuleTexts> read_guest_modules(const Fd& backing, const std::vector<Extent>& extents,
                                                           const core::PartitionTable& table, const BootChoice& choice);

}  // namespace vhdboot::tool
