// SPDX-License-Identifier: GPL-2.0-or-later
// The menu of stage 1: what can be booted on this machine, shown by a program that runs beside process 1.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/result.h"
#include "init/record/config.h"
#include "init/stage/candidates.h"
#include "init/stage/host_volumes.h"
#include "init/stage/settings.h"
#include "init/sys/console.h"

namespace vhdboot::stage {

/// Whether the program is there.
[[nodiscard]] bool has_menu();

/// What a person chose to boot.
struct Chosen {
  Candidate candidate;
  record::Config config;  ///< that holds for it
};

/// Shows the menu until a person chooses, or its time is over and there is a default. The list grows while volumes
/// appear. A shell, a restart and switching off happen in here. Nothing when all is to be looked at anew. An error
/// when the menu cannot be shown.
[[nodiscard]] Result<std::optional<Chosen>> choose(HostVolumes& volumes, const Settings& settings,
                                                   const sys::Reporter& report);

}  // namespace vhdboot::stage
