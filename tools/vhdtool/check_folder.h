// SPDX-License-Identifier: GPL-2.0-or-later
// Would the folder of a WSL 1 distribution boot as it lies on its volume.
#pragma once

#include "base/byte_source.h"
#include "init/record/config.h"
#include "init/volume/path.h"
#include "init/volume/volume.h"
#include "tools/vhdtool/finding.h"

namespace vhdboot::vhdtool {

/// Goes through all of it, as a boot does. `partition`: that of the volume.
void check_folder(volume::HostVolume& volume, const ByteSource& partition, const volume::Path& path,
                  const record::Config& config, Findings& findings);

}  // namespace vhdboot::vhdtool
