// SPDX-License-Identifier: GPL-2.0-or-later
// What a boot loader tells the guest's systemd by EFI variables, which we cannot set: it is left in /run.
#pragma once

#include <string>

#include "base/result.h"
#include "init/core/handoff.h"

namespace vhdboot::stage {

/// Starts a keeper (see keeper.h) that waits for the guest's systemd and leaves it what the handoff has for it:
/// core::bless_unit(), core::gpt_auto_generator(). Another init gets nothing. `disk`: the guest disk.
[[nodiscard]] Result<void> leave_for_systemd(const core::Handoff& handoff, const std::string& disk, char* argv0);

}  // namespace vhdboot::stage
