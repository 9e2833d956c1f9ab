// SPDX-License-Identifier: GPL-2.0-or-later
// Has the guest the kernel modules that stage 2 needs?
#pragma once

#include <optional>
#include <string_view>

#include "init/core/engine.h"
#include "init/core/modules.h"
#include "init/volume/volume.h"
#include "vhd/tool/finding.h"

namespace vhdboot::tool {

/// `kind` absent: of a volume that is not known yet, any of the two will do.
void check_modules(const core::ModuleIndex& index, core::Engine engine, std::optional<volume::Kind> kind,
                   std::string_view release, Findings& findings);

/// They could not be looked at.
void modules_unchecked(std::string_view why, Findings& findings);

}  // namespace vhdboot::tool
