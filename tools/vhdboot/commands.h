// SPDX-License-Identifier: GPL-2.0-or-later
// The subcommands, each in a file of its name.
#pragma once

#include <span>

#include "base/exit_status.h"
#include "tools/common/program.h"

namespace vhdboot::command {

/// In the order in which a person meets them.
[[nodiscard]] std::span<const tools::Command> commands();

ExitStatus run_install(int argc, char** argv);
ExitStatus run_list(int argc, char** argv);
ExitStatus run_mount(int argc, char** argv);
ExitStatus run_next(int argc, char** argv);
ExitStatus run_report(int argc, char** argv);
ExitStatus run_schedule(int argc, char** argv);
ExitStatus run_set(int argc, char** argv);
ExitStatus run_snapshot(int argc, char** argv);
ExitStatus run_status(int argc, char** argv);
ExitStatus run_try(int argc, char** argv);
ExitStatus run_uninstall(int argc, char** argv);
ExitStatus run_upgrade(int argc, char** argv);

}  // namespace vhdboot::command
