// SPDX-License-Identifier: GPL-2.0-or-later
// What comes after an error: never a dead end.
#pragma once

#include "base/error.h"
#include "init/record/config.h"
#include "init/sys/console.h"

namespace vhdboot::stage {

/// Tells what went wrong, then offers a shell, a restart and switching off on every console. Process 1 stays here.
[[noreturn]] void rescue(const Error& error, record::RescueChoice choice, const sys::Reporter& report);

}  // namespace vhdboot::stage
