// SPDX-License-Identifier: GPL-2.0-or-later
// The menu of stage 1: what can be booted on this machine, shown by a program that runs beside process 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "init/record/config.h"
#include "init/stage/candidates.h"
#include "init/stage/failure.h"
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

struct Choice {
  enum class Kind : std::uint8_t {
    Image,      ///< `chosen`
    Default,    ///< nobody has pressed a key: what is booted without the menu, by the same rules
    LookAgain,  ///< at all disks: a person wants it
    Shell,      ///< the same, as a person was in the shell
    TryAgain,   ///< what failed
  };
  Kind kind = Kind::LookAgain;
  std::optional<Chosen> chosen;
  std::string written;  ///< what is true of the disks now, in whole sentences
};

/// Shows the menu until a person chooses, or, with `may_start`, its time is over. The list grows while volumes appear.
/// A restart and switching off happen in here. `failed`: what was tried before; its page shows first, and nothing is
/// started without a key. `written`: what is true of the disks. An error when the menu cannot be shown.
[[nodiscard]] Result<Choice> choose(HostVolumes& volumes, const Settings& settings, bool may_start,
                                    const std::optional<Failure>& failed, const std::string& written,
                                    const sys::Reporter& report);

}  // namespace vhdboot::stage
