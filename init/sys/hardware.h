// SPDX-License-Identifier: GPL-2.0-or-later
// How a disk hangs in the machine, as sysfs tells it.
#pragma once

#include <string>
#include <vector>

#include "disk/hardware_path.h"
#include "init/sys/block.h"

namespace vhdboot::sys {

/// A device that has a driver.
struct DrivenDevice {
  std::string alias;   ///< its modalias: "pci:v00008086d..."
  std::string driver;  ///< the name of its driver in the running kernel, as sysfs has it: "ahci", "virtio-pci"

  friend bool operator==(const DrivenDevice&, const DrivenDevice&) = default;
};

struct Hardware {
  /// The devices that the disk hangs on, outermost first: a PCI controller, a USB interface, a SCSI device. What
  /// another kernel must have drivers for to see the same disk. PCI bridges are left out: every kernel drives them.
  std::vector<DrivenDevice> chain;
  std::vector<disk::HardwarePath> places;  ///< one for each controller that leads to the disk
  std::string wwid;  ///< the name or number that its maker gave to this disk alone: "wwid=eui.0025"; may be empty

  friend bool operator==(const Hardware&, const Hardware&) = default;
};

/// Whether two such names cannot be of one disk. Names of two kinds tell nothing: kernels of other versions take
/// another one of those that a disk has.
[[nodiscard]] bool are_of_two_disks(std::string_view one_wwid, std::string_view other_wwid);

/// Of a disk or partition. Never fails: what sysfs does not tell is missing.
[[nodiscard]] Hardware hardware_of(const BlockDevice& device);

/// The modaliases of the network cards for Ethernet on PCI, and of what they show behind them (virtio), outermost
/// first.
[[nodiscard]] std::vector<std::string> network_cards();

}  // namespace vhdboot::sys
