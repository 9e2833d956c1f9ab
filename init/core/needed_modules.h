// SPDX-License-Identifier: GPL-2.0-or-later
// What stage 2 needs of the target kernel besides the drivers of the disk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "init/core/engine.h"
#include "init/core/modules.h"
#include "init/volume/volume.h"

namespace vhdboot::core {

/// Names of modules, to be resolved with the modaliases of the controller chain: dm_mod and loop for the extents
/// engine; loop and the file system for the loop engine.
[[nodiscard]] std::vector<std::string> engine_modules(Engine engine, volume::Kind kind);

/// Whether the kernel `release` has all of them. Unsupported with a sentence that names the other engine, when that one
/// would do: "kernel 6.1.0-18-amd64 has no driver for NTFS (ntfs3), which `attach loop` needs: use `attach extents`".
[[nodiscard]] Result<void> check_engine(const ModuleIndex& index, Engine engine, volume::Kind kind,
                                        std::string_view release);

/// Whether the driver that sysfs calls so is part of the kernel. Kernels do not tell the aliases of drivers that are
/// built in, only their names (modules.builtin).
[[nodiscard]] bool is_builtin_driver(const ModuleIndex& index, std::string_view driver);

/// The directories below the guest's root that may hold the modules, best first: /usr/lib/modules/RELEASE,
/// /lib/modules/RELEASE. Invalid for a release that is no single file name.
[[nodiscard]] Result<std::vector<std::string>> module_directories(std::string_view release);

}  // namespace vhdboot::core
