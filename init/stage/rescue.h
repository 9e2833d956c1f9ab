// SPDX-License-Identifier: GPL-2.0-or-later
// What comes after an error: never a dead end.
#pragma once

#include <string_view>

#include "base/error.h"
#include "init/record/config.h"
#include "init/sys/console.h"

namespace vhdboot::stage {

inline constexpr std::string_view kNothingWritten = "Nothing was written to any disk.";

/// Tells what went wrong and what of it is on a disk, then offers to try again, a shell, a restart and switching off on
/// every console. Returns when the person wants to try again. Before that, detach what was attached: `written` is what
/// is true afterwards, in whole sentences.
void ask_person(const Error& error, std::string_view written, record::RescueChoice choice, const sys::Reporter& report);

}  // namespace vhdboot::stage
