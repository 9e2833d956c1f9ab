// SPDX-License-Identifier: GPL-2.0-or-later
// Differencing images that stand on an image: they are worth nothing once it is written to.
#pragma once

#include "base/byte_source.h"
#include "base/result.h"
#include "init/volume/path.h"
#include "init/volume/volume.h"
#include "vhd/disk.h"

namespace vhdboot::stage {

/// Unsafe when a differencing image in the folder of the image at `path` says that its parent is this, `info`, or may
/// say so and cannot be read. Io and Timeout of the volume, whose bytes `source` has.
[[nodiscard]] Result<void> check_no_children(volume::HostVolume& volume, const ByteSource& source,
                                             const volume::Path& path, const vhd::DiskInfo& info);

}  // namespace vhdboot::stage
