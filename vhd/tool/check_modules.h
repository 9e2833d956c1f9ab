// SPDX-License-Identifier: GPL-2.0-or-later
// Has the guest the kernel modules that stage 2 needs?
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "init/core/engine.h"
#include "init/core/modules.h"
#include "init/sys/device_chain.h"
#include "init/volume/volume.h"
#include "vhd/tool/finding.h"

namespace vhdboot::tool {

/// `kind` absent: of a volume that is not known yet, any of the two will do.
void check_modules(const core::ModuleIndex& index, core::Engine engine, std::optional<volume::Kind> kind,
                   std::string_view release, Findings& findings);

/// The module files to load for what the engine and the devices of `chain` need, as stage 1 would take them along.
[[nodiscard]] std::vector<std::string> needed_files(const core::ModuleIndex& index, core::Engine engine,
                                                    std::optional<volume::Kind> kind,
                                                    const std::vector<sys::DrivenDevice>& chain);

using ReadModule = std::function<Result<std::vector<std::byte>>(std::string_view file)>;

/// Would the kernel `release` load each of `files`? `read` gives a file's content, uncompressed.
void check_module_files(const std::vector<std::string>& files, const ReadModule& read, std::string_view release,
                        Findings& findings);

/// They could not be looked at.
void modules_unchecked(std::string_view why, Findings& findings);

}  // namespace vhdboot::tool
