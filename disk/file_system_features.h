// SPDX-License-Identifier: GPL-2.0-or-later
// Why the boot kernel does not mount a file system whose type it knows: features that came after it, or that it lacks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/byte_source.h"

namespace vhdboot::disk {

/// A clause for the file system of `type` (as libblkid calls it) on `device`: "its ext4 has the features dirdata and
/// 0x80000, which the boot kernel does not know". Nothing when its superblock names no such feature, or cannot be read.
/// By what Linux 6.12 knows (fs/ext4/ext4.h, fs/xfs/libxfs/xfs_format.h, fs/btrfs/fs.h); features that only keep it
/// from being written do not count.
[[nodiscard]] std::optional<std::string> unknown_features(const ByteSource& device, std::string_view type);

}  // namespace vhdboot::disk
