// SPDX-License-Identifier: GPL-2.0-or-later
// How the chosen entry is booted on this machine.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "disk/guest_disk.h"
#include "entry/guest_entry.h"
#include "init/guest/guest_cmdline.h"
#include "init/record/config.h"
#include "init/record/handoff.h"
#include "kexec/cmdline.h"
#include "kexec/plan.h"

namespace vhdboot::guest {

/// The entry's options and the person's, meant for the guest's disk on this machine: guest_command_line() with
/// what is known of that disk.
[[nodiscard]] Result<GuestCommandLine> make_command_line(disk::GuestDisk& disk, const std::string& options,
                                                         const record::Config& config);

struct PlannedBoot {
  kexec::KexecPlan plan;                  ///< borrows from the entry
  std::string release;                    ///< of the guest's kernel; empty when unknown
  std::optional<record::GuestRoot> root;  ///< for a guest without an initrd: what stage 2 mounts
};

/// Plans the boot of `entry` with `line` as its command line. Errors as kexec::make_plan(); of a guest without an
/// initrd also Unsupported and NotFound, when its root cannot be mounted by us or is not named. Unsupported for a
/// kernel older than stage 2 needs.
[[nodiscard]] Result<PlannedBoot> plan_boot(const disk::GuestDisk& disk, entry::GuestEntry& entry,
                                            const kexec::CommandLine& line);

}  // namespace vhdboot::guest
