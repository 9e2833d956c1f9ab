// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel modules that stage 2 will need, taken from the guest's root file system.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "init/core/config.h"
#include "init/guest/disk.h"
#include "init/guest/module_folder.h"
#include "init/stage/find_image.h"
#include "init/sys/console.h"

namespace vhdboot::stage {

struct CarriedModule {
  std::string name;              ///< "dm_mod"
  std::vector<std::byte> image;  ///< uncompressed
};

struct CarriedModules {
  std::vector<CarriedModule> files;  ///< in the order to load
  /// What stage 2 asks the guest's own initrd for, by name or alias, when the root could not be read; else empty.
  std::vector<std::string> wanted;
};

/// dm_mod and loop or the host's file system, as the engine needs, the drivers of the controllers that the host volume
/// hangs on, and `more`, by name.
/// Unsupported when that kernel cannot do what the engine needs, or its modules do not fit it. A root that cannot be
/// read is no error: it is reported, and stage 2 relies on the guest's initrd.
[[nodiscard]] Result<CarriedModules> collect_modules(guest::GuestDisk& disk, const FoundImage& image,
                                                     const core::Config& config, const guest::ModuleRequest& request,
                                                     const std::vector<std::string>& more, const sys::Reporter& report);

}  // namespace vhdboot::stage
