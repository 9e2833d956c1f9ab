// SPDX-License-Identifier: GPL-2.0-or-later
// What the boot would start from the guest disk, and whether it can.
#pragma once

#include <optional>
#include <string>

#include "init/guest/module_folder.h"
#include "init/record/config.h"
#include "tools/vhdtool/finding.h"
#include "tools/vhdtool/inspected_disk.h"

namespace vhdboot::vhdtool {

/// The entry that is booted.
struct BootChoice {
  std::string id;                ///< "debian.efi", "debian.efi@rescue"
  std::string release;           ///< of its kernel; empty when unknown
  std::string root;              ///< its root= option as it is on this machine, with the configuration's; empty without
  guest::ModuleRequest modules;  ///< by which its modules are found
  std::string root_type;  ///< of the file system that we mount for a guest without an initrd; empty: the initrd does
};

/// Chooses as the boot does: `entry`, `options` and `modules` of `config` count. What else is found in the same places
/// is looked at as well. Nothing when the boot would start nothing, or that is not known.
[[nodiscard]] std::optional<BootChoice> check_entries(InspectedDisk& disk, const record::Config& config,
                                                      Findings& findings);

}  // namespace vhdboot::vhdtool
