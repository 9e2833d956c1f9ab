// SPDX-License-Identifier: GPL-2.0-or-later
// Whether there is a place for what a guest writes to its disk.
#pragma once

#include "base/result.h"
#include "vhd/image.h"

namespace vhdboot::blocks {

/// `forgets`: what the guest writes goes elsewhere and is forgotten, so that the image is only read. Unsupported, with
/// both ways out, when it would have to go into an image whose blocks are not all in place.
[[nodiscard]] Result<void> check_writer(vhd::Format format, bool forgets);

}  // namespace vhdboot::blocks
