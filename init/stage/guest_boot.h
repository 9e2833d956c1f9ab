// SPDX-License-Identifier: GPL-2.0-or-later
// Everything that is decided about the boot of a guest, before anything is done about it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "init/core/config.h"
#include "init/core/guest_cmdline.h"
#include "init/core/handoff.h"
#include "init/stage/find_image.h"
#include "init/stage/guest_disk.h"
#include "init/stage/guest_entry.h"
#include "init/stage/guest_modules.h"
#include "init/sys/console.h"
#include "kexec/plan.h"

namespace vhdboot::stage {

struct GuestBoot {
  GuestEntry entry;
  kexec::KexecPlan plan;                       ///< borrows from the entry
  std::string release;                         ///< of the guest's kernel
  std::vector<core::LineChange> line_changes;  ///< what of its command line is not the guest's own
  CarriedModules modules;
  std::optional<core::GuestRoot> root;  ///< for a guest without an initrd: what stage 2 mounts
};

/// Chooses and plans what to boot on the guest disk; reads only. The guest disk must outlive the result.
[[nodiscard]] Result<GuestBoot> prepare_guest(GuestDisk& disk, const FoundImage& image, const core::Config& config,
                                              const sys::Reporter& report);

}  // namespace vhdboot::stage
