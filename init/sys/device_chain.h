// SPDX-License-Identifier: GPL-2.0-or-later
// The devices between a disk and the CPU, as sysfs nests them.
#pragma once

#include <string>
#include <vector>

#include "init/sys/block.h"

namespace vhdboot::sys {

/// A device that has a driver.
struct DrivenDevice {
  std::string alias;   ///< its modalias: "pci:v00008086d..."
  std::string driver;  ///< the name of its driver in the running kernel, as sysfs has it: "ahci", "virtio-pci"
};

/// The devices that `device` hangs on, outermost first: a PCI controller, a USB interface, a SCSI device. What another
/// kernel must have drivers for to see the same disk. PCI bridges are left out: every kernel drives them.
[[nodiscard]] std::vector<DrivenDevice> device_chain(const BlockDevice& device);

}  // namespace vhdboot::sys
