// SPDX-License-Identifier: GPL-2.0-or-later
// Has the guest the kernel modules that stage 2 needs?
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "init/modules/modules.h"
#include "init/modules/needed_modules.h"
#include "init/sys/hardware.h"
#include "kexec/cmdline.h"
#include "tools/vhdtool/finding.h"

namespace vhdboot::vhdtool {

/// Whether the kernel has what the guest disk is made of; what is said of it is found.
[[nodiscard]] bool check_modules(const modules::ModuleIndex& index, std::string_view release, Findings& findings);

/// What stage 1 would take along for an image that lies on the devices of `chain`, and for a root of the file system
/// `root_type` unless that is empty.
[[nodiscard]] std::vector<modules::WantedModule> wanted_modules(const std::vector<sys::DrivenDevice>& chain,
                                                                const std::string& root_type);

/// Whether a module has a signature; an error, which names the file, when it cannot be read or was built for another
/// kernel.
using JudgeModule = std::function<Result<bool>(const std::string& file)>;

/// Would the kernel `release`, started with `line` and configured with `config` (see demands_signatures()), load each
/// of needs.found.files? Where it boots, Secure Boot may be on.
void check_module_files(const modules::ModuleNeeds& needs, const JudgeModule& judge, std::string_view release,
                        const kexec::CommandLine& line, const std::function<std::string()>& config, Findings& findings);

/// They could not be looked at.
void modules_unchecked(std::string_view why, Findings& findings);

}  // namespace vhdboot::vhdtool
