// SPDX-License-Identifier: GPL-2.0-or-later
// The devices between a disk and the CPU, as sysfs nests them.
#pragma once

#include <string>
#include <vector>

#include "init/sys/block.h"

namespace vhdboot::sys {

/// The modaliases of the devices that `device` hangs on and that have a driver, outermost first: a PCI controller,
/// a USB interface, a SCSI device. What another kernel must have drivers for to see the same disk. PCI bridges are
/// left out: every kernel drives them.
[[nodiscard]] std::vector<std::string> driver_aliases(const BlockDevice& device);

}  // namespace vhdboot::sys
