// SPDX-License-Identifier: GPL-2.0-or-later
// New contents for a file, so that at any moment the old ones or the new ones are whole, whenever the power fails.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::tools {

/// Behind the name while it is being written: the new contents, and, where the file system's rename may lose both,
/// the old ones.
inline constexpr char kNewSuffix[] = ".vhdboot-new";
inline constexpr char kOldSuffix[] = ".vhdboot-old";

/// Returns when it is on the disk. The new file is beside the old one until it has all of it and then takes its name.
/// On FAT, exFAT and NTFS a rename is more than one step: there the old contents stay as a second file until the new
/// one is durable. The mode is the old file's, or 0644.
[[nodiscard]] Result<void> write_safely(const std::string& path, Bytes contents);

/// Returns when it is gone from the disk; one that is not there is fine.
[[nodiscard]] Result<void> remove_safely(const std::string& path);

/// Where an earlier write was cut off: what is left of it, for a person; empty when nothing is.
[[nodiscard]] std::string left_behind(const std::string& path);

}  // namespace vhdboot::tools
