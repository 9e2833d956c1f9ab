// SPDX-License-Identifier: GPL-2.0-or-later
// What the boot would start from the guest disk, and whether it can.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "entry/guest_entry.h"
#include "init/guest/module_folder.h"
#include "init/record/config.h"
#include "kexec/plan.h"
#include "tools/vhdtool/finding.h"
#include "tools/vhdtool/inspected_disk.h"

namespace vhdboot::vhdtool {

/// The entry that is booted.
struct BootChoice {
  std::string id;           ///< "debian.efi", "debian.efi@rescue"
  std::string release;      ///< of its kernel; empty when unknown
  kexec::CommandLine line;  ///< as it is on this machine, with the configuration's options
  std::string root_type;    ///< of the file system that we mount for a guest without an initrd; empty: the initrd does
  kexec::KexecPlan plan;    ///< borrows from `opened`
  entry::GuestEntry opened;
};

/// Judges what else a boot of the choice takes and adds what it finds. An error, found as well, says that it will not
/// boot.
using JudgeBoot = std::function<Result<void>(const BootChoice& choice, Findings& findings)>;

/// Chooses as the boot does, which tries another entry where one cannot be booted: `entry`, `options` and `modules` of
/// `config` count. What else is found in the same places is looked at as well. What was tried last, whatever the judge
/// said; nothing when the boot would start nothing, or that is not known.
[[nodiscard]] std::optional<BootChoice> check_entries(InspectedDisk& disk, const record::Config& config,
                                                      const JudgeBoot& judge, Findings& findings);

}  // namespace vhdboot::vhdtool
