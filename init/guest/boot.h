// SPDX-License-Identifier: GPL-2.0-or-later
// How the chosen entry is booted on this machine.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "init/core/config.h"
#include "init/core/handoff.h"
#include "init/guest/disk.h"
#include "init/guest/entry.h"
#include "kexec/cmdline.h"
#include "kexec/plan.h"

namespace vhdboot::guest {

struct GuestLine {
  kexec::CommandLine line;
  std::string before;               ///< the guest's root=; may be empty
  std::optional<std::string> root;  ///< what became of it; nothing: it stays as it was
};

/// The entry's options and the person's, with a root= that means the guest's disk on this machine. Errors as
/// core::map_root().
[[nodiscard]] Result<GuestLine> make_command_line(const GuestDisk& disk, const std::string& options,
                                                  const core::Config& config);

struct PlannedBoot {
  kexec::KexecPlan plan;                ///< borrows from the entry
  std::string release;                  ///< of the guest's kernel; empty when unknown
  std::optional<core::GuestRoot> root;  ///< for a guest without an initrd: what stage 2 mounts
};

/// Plans the boot of `entry` with `line` as its command line. Errors as kexec::make_plan(); of a guest without an
/// initrd also Unsupported and NotFound, when its root cannot be mounted by us or is not named.
[[nodiscard]] Result<PlannedBoot> plan_boot(const GuestDisk& disk, GuestEntry& entry, const kexec::CommandLine& line);

}  // namespace vhdboot::guest
