// SPDX-License-Identifier: GPL-2.0-or-later
// What all subcommands of a program say in the same way.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/exit_status.h"

namespace vhdboot::tools {

/// What the program is called; said once, before all else. `name` is of static duration.
void set_program(std::string_view name);

[[nodiscard]] std::string_view program();

/// To the standard output.
void print(std::string_view text);

/// "PROGRAM COMMAND: text; see PROGRAM COMMAND --help" to the standard error; returns Usage.
ExitStatus wrong_usage(std::string_view command, std::string_view text);

/// The same for the option at which getopt_long() stopped with '?' or ':'.
ExitStatus wrong_option(std::string_view command, int result, char** argv);

/// That option, as it was typed: a letter may stand in the middle of a word.
[[nodiscard]] std::string stopping_option(char** argv);

/// "PROGRAM COMMAND: FILE: the error" to the standard error; FILE comes once when the error begins with it, and as ""
/// when it is empty. Returns what the error leads to.
ExitStatus failed(std::string_view command, std::string_view file, const Error& error);

/// "PROGRAM COMMAND: FILE: warning: text" to the standard error.
void warn(std::string_view command, std::string_view file, std::string_view text);

/// `status` when all of the standard output could be written, else Failed with a sentence.
ExitStatus finish(std::string_view command, ExitStatus status);

}  // namespace vhdboot::tools
