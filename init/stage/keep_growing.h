// SPDX-License-Identifier: GPL-2.0-or-later
// The processes that make new blocks in the image of a guest that runs: a supervisor and, as its child, a worker that
// serves the kernel and puts what it says into the image's block table; one that ends is replaced. And a third one that
// leaves for people how much room there is, as watch_space.h has it.
#pragma once

#include "init/stage/grow.h"

namespace vhdboot::stage {

/// What vhdboot-keeper does until there is nothing left to do; its exit status. Needs /dev, /proc and /sys.
[[nodiscard]] int keep_growing(const GrowRequest& request);

}  // namespace vhdboot::stage
