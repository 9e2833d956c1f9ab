// SPDX-License-Identifier: GPL-2.0-or-later
// Which file is the image: configured, or by convention the one beside the EFI file with the same name.
#pragma once

#include <vector>

#include "base/result.h"
#include "init/record/config.h"
#include "init/record/origin.h"
#include "init/volume/path.h"

namespace vhdboot::record {

/// Where to look on each candidate volume, best first. Configured: exactly that path. Else, for /boot/debian.efi:
/// /boot/debian.vhd, then .img, then .raw. NotFound when nothing is configured and the firmware told no path, or one
/// that does not end in ".efi"; Invalid when a relative path is configured and the firmware told no path.
[[nodiscard]] Result<std::vector<volume::Path>> image_candidates(const Config& config, const Origin& origin);

}  // namespace vhdboot::record
