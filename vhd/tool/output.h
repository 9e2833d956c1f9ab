// SPDX-License-Identifier: GPL-2.0-or-later
// What all subcommands say in the same way.
#pragma once

#include <string_view>

#include "base/error.h"

namespace vhdboot::tool {

/// The exit statuses that vhdtool(1) documents.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

/// To the standard output.
void print(std::string_view text);

/// "vhdtool COMMAND: text; see vhdtool COMMAND --help" to the standard error; returns kUsage.
int wrong_usage(std::string_view command, std::string_view text);

/// The same for the option at which getopt_long() stopped with '?' or ':'.
int wrong_option(std::string_view command, int result, const char* word);

/// "vhdtool COMMAND: FILE: the error" to the standard error; returns kFailed.
int failed(std::string_view command, std::string_view file, const Error& error);

/// "vhdtool COMMAND: FILE: warning: text" to the standard error.
void warn(std::string_view command, std::string_view file, std::string_view text);

/// kDone when all of the standard output could be written, else kFailed with a sentence.
int finish(std::string_view command);

}  // namespace vhdboot::tool
