// SPDX-License-Identifier: GPL-2.0-or-later
// Whether there is a place for what a guest writes to its disk.
#pragma once

#include "base/result.h"
#include "vhd/disk.h"

namespace vhdboot::blocks {

/// `forgets`: all that the guest writes goes elsewhere and is forgotten, so that the image is only read. Unsupported,
/// with the ways out, when it would have to go into an image that has not all of its blocks and in which no new ones
/// can be made (check_new_blocks()). The errors of vhd::pieces_of().
[[nodiscard]] Result<void> check_writer(const vhd::Disk& image, bool forgets);

/// The same where some partitions are written in place while the rest forgets: then all blocks must be there.
[[nodiscard]] Result<void> check_in_place(const vhd::Disk& image);

/// The same for a further disk of a guest.
[[nodiscard]] Result<void> check_further(const vhd::Disk& image);

}  // namespace vhdboot::blocks
