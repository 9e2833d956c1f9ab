// SPDX-License-Identifier: GPL-2.0-or-later
// What an image and its guest must have to be booted, with what to do where it is missing: asked by the boot, and by
// who checks an image before it.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "init/core/partition_table.h"
#include "vhd/image.h"

namespace vhdboot::core {

/// Goes to every guest's command line. A guest that resumed from hibernation would go on writing to where its image lay
/// when it fell asleep, whatever Windows did to the volume meanwhile.
inline constexpr std::string_view kSafetyOptions = "nohibernate";

/// Corrupt when the name says VHD and the footer is missing: as a raw disk the image would be larger by it, and a guest
/// could write there. `file_name` is the last component.
[[nodiscard]] Result<void> check_footer(const vhd::ImageInfo& info, std::string_view file_name);

/// Why there is nothing to boot on a guest disk with this table.
[[nodiscard]] Error no_entry(const PartitionTable& table);

/// How to mount a guest's file system of this type (as blkid names it) without replaying its journal: the disk is
/// read-only, and a guest that was not shut down must still boot. Nothing for a type that the boot kernel does not
/// read.
[[nodiscard]] std::optional<std::string_view> guest_mount_options(std::string_view type);

/// Where a root file system may begin on its file system: at the top, or in what installers call their subvolume.
inline constexpr std::array<std::string_view, 4> kRootFolders{"", "/@", "/@rootfs", "/root"};

}  // namespace vhdboot::core
