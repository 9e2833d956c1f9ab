// SPDX-License-Identifier: GPL-2.0-or-later
// The program that stays in the guest until all of its image is there: it starts what serves the disk
// (serve_arriving.h) and what asks the web server (bring_blocks.h), and another one whenever one ends; and in the end
// it makes the disk one that needs none of them.
#pragma once

#include "init/stage/grow.h"

namespace vhdboot::stage {

/// Returns the exit status.
[[nodiscard]] int keep_arriving(const ArriveRequest& request);

}  // namespace vhdboot::stage
