// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/check_storage.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "base/text.h"
#include "init/modules/needed_modules.h"

namespace vhdboot::vhdtool {
namespace {

enum class Missing : std::uint8_t { Warns, IsTold };

struct Controller {
  std::string_view name;
  std::array<std::string_view, 3> modules;  // all of them; empty ones do not count
  Missing missing;
};

// Disks of AHCI and USB are SCSI disks to Linux. Without uas the kernel drives such disks by usb_storage.
constexpr std::array kControllers{
    Controller{"NVMe", {"nvme"}, Missing::Warns},
    Controller{"SATA (AHCI)", {"ahci", "sd_mod"}, Missing::Warns},
    Controller{"USB (xHCI)", {"xhci_pci", "usb_storage", "sd_mod"}, Missing::Warns},
    Controller{"USB attached SCSI", {"uas"}, Missing::IsTold},
    Controller{"SD and MMC cards", {"sdhci_pci", "mmc_block"}, Missing::IsTold},
    Controller{"Intel VMD", {"vmd"}, Missing::IsTold},
    Controller{"virtio_blk", {"virtio_blk"}, Missing::IsTold},
    Controller{"virtio_scsi", {"virtio_scsi"}, Missing::IsTold},
};

void add(std::string& list, std::string_view item) {
  list += concat(list.empty() ? "" : ", ", item);
}

std::string missing_modules(const modules::ModuleIndex& index, const Controller& controller) {
  std::string missing;
  for (const std::string_view module : controller.modules)
    if (!module.empty() && !index.has(module)) add(missing, module);
  return missing;
}

bool all_builtin(const modules::ModuleIndex& index, const Controller& controller) {
  return std::ranges::all_of(controller.modules,
                             [&](std::string_view module) { return module.empty() || index.is_builtin(module); });
}

}  // namespace

void check_controllers(const modules::ModuleIndex& index, std::string_view subject, Findings& findings) {
  std::string driven;
  std::string others;
  for (const Controller& controller : kControllers) {
    const std::string missing = missing_modules(index, controller);
    if (missing.empty()) {
      add(driven, concat(controller.name, all_builtin(index, controller) ? " (built in)" : ""));
    } else if (controller.missing == Missing::IsTold) {
      add(others, controller.name);
    } else {
      findings.warning("storage", concat(printable(subject), " has no driver for ", controller.name, " (", missing,
                                         "): from such a disk it will not boot; start the guest with another kernel ",
                                         "or initrd, or keep the image on a disk of another kind"));
    }
  }
  if (!driven.empty())
    findings.ok("storage",
                concat(printable(subject), " drives ", driven, others.empty() ? "" : concat("; not ", others)));
}

void check_chain(const modules::ModuleIndex& index, const std::vector<sys::DrivenDevice>& chain,
                 std::string_view release, Findings& findings) {
  std::string drivers;
  bool complete = true;
  for (const sys::DrivenDevice& device : chain) {
    add(drivers, printable(device.driver));
    if (!index.by_alias(device.alias).empty() || modules::is_builtin_driver(index, device.driver)) continue;
    complete = false;
    findings.warning("disk", concat("kernel ", printable(release), " has no module for the device ",
                                    printable(device.alias), ", on which this volume hangs and which is driven by ",
                                    printable(device.driver), " here: it may not find its disk"));
  }
  if (!chain.empty() && complete)
    findings.ok("disk", concat("kernel ", printable(release), " drives the disk that this volume is on: ", drivers));
}

}  // namespace vhdboot::vhdtool
