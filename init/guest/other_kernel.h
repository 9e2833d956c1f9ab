// SPDX-License-Identifier: GPL-2.0-or-later
// A guest that is started with the kernel of another image: `kernel PATH` in a configuration. That image is a further
// disk which is only read; its modules are shown in the guest where that looks for them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "disk/guest_disk.h"
#include "init/guest/host_mount_unit.h"
#include "init/guest/module_folder.h"

namespace vhdboot::guest {

/// Where stage 2 leaves the name of that disk, below the guest's /run.
inline constexpr std::string_view kKernelDiskFile = "vhdboot/kernel-disk";

/// The command line for a guest on `disk`, in place of what the kernel's own system says, which is about that system.
/// Unsupported when the guest disk has no root file system, or several, and `configured`, what a person says, has no
/// root=.
[[nodiscard]] Result<std::string> other_kernel_options(disk::GuestDisk& disk, std::string_view configured);

/// What is left in the guest's /run, by `text`, fs-skeleton/kernel. `root`: the guest's; where
/// `makes_folder`, one for them is made in it, which must not be on the guest's own disk; `modules`: on the disk of the
/// kernel, whose root= has `root_flags`. Unsupported when they cannot be shown: on LVM, or in a guest without a folder
/// for modules.
[[nodiscard]] Result<std::vector<GuestFile>> other_kernel_files(const disk::Folder& root, bool makes_folder,
                                                                const ModuleFolder& modules,
                                                                std::string_view root_flags, std::string_view text);

}  // namespace vhdboot::guest
