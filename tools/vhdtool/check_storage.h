// SPDX-License-Identifier: GPL-2.0-or-later
// Has the guest's kernel the drivers of the disks that its image may lie on?
#pragma once

#include <string_view>
#include <vector>

#include "init/modules/modules.h"
#include "init/sys/hardware.h"
#include "tools/vhdtool/finding.h"

namespace vhdboot::vhdtool {

/// The usual controllers, on whatever machine: which of them `subject` ("kernel 6.1.0") drives. Without NVMe, AHCI or
/// USB the image will not boot from many machines: a warning each.
void check_controllers(const modules::ModuleIndex& index, std::string_view subject, Findings& findings);

/// The devices of this machine that the image hangs on; `chain` empty: they are not known, and nothing is found.
void check_chain(const modules::ModuleIndex& index, const std::vector<sys::DrivenDevice>& chain,
                 std::string_view release, Findings& findings);

}  // namespace vhdboot::vhdtool
