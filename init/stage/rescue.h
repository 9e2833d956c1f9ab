// SPDX-License-Identifier: GPL-2.0-or-later
// What comes after an error: never a dead end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "init/record/config.h"
#include "init/sys/console.h"

namespace vhdboot::stage {

inline constexpr std::string_view kNothingWritten = "Nothing was written to any disk.";

enum class Wish : std::uint8_t { TryAgain, Menu };

/// Tells what went wrong and what of it is on a disk, and opens a shell when that is the `choice`. `written`: what is
/// true of the disks, in whole sentences.
void tell_person(const Error& error, std::string_view written, record::RescueChoice choice,
                 const sys::Reporter& report);

/// The same, then offers to try again, the menu, a shell, a restart and
/// switching off on every console. Returns what the person wants of the first two; a stage that has no menu does not
/// offer it. Before that, detach what was attached.
[[nodiscard]] Wish ask_person(const Error& error, std::string_view written, record::RescueChoice choice, bool has_menu,
                              const sys::Reporter& report);

/// A shell on one of the consoles, until it ends.
void offer_shell(const std::string& terminal, std::string_view written, const sys::Reporter& report);

}  // namespace vhdboot::stage
