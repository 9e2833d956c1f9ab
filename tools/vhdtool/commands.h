// SPDX-License-Identifier: GPL-2.0-or-later
// The subcommands, each in a file of its name.
#pragma once

#include <span>

#include "base/exit_status.h"
#include "tools/common/program.h"

namespace vhdboot::vhdtool {

/// What this program has, by name.
[[nodiscard]] std::span<const tools::Command> commands();

ExitStatus run_attach(int argc, char** argv);
ExitStatus run_boot_set(int argc, char** argv);
ExitStatus run_cat(int argc, char** argv);
ExitStatus run_check(int argc, char** argv);  ///< also that of the program vhdboot
ExitStatus run_commit(int argc, char** argv);
ExitStatus run_create(int argc, char** argv);
ExitStatus run_delete(int argc, char** argv);
ExitStatus run_desparse(int argc, char** argv);
ExitStatus run_detach(int argc, char** argv);
ExitStatus run_export(int argc, char** argv);
ExitStatus run_fetch(int argc, char** argv);
ExitStatus run_grow(int argc, char** argv);
ExitStatus run_hashes(int argc, char** argv);
ExitStatus run_info(int argc, char** argv);
ExitStatus run_map(int argc, char** argv);
ExitStatus run_provision(int argc, char** argv);
ExitStatus run_reblock(int argc, char** argv);
ExitStatus run_reserve(int argc, char** argv);
ExitStatus run_rollback(int argc, char** argv);
ExitStatus run_snapshot(int argc, char** argv);
ExitStatus run_snapshots(int argc, char** argv);
ExitStatus run_update(int argc, char** argv);

}  // namespace vhdboot::vhdtool
