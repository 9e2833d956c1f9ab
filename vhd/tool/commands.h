// SPDX-License-Identifier: GPL-2.0-or-later
// The subcommands, each in a file of its name.
#pragma once

namespace vhdboot::tool {

int run_cat(int argc, char** argv);
int run_check(int argc, char** argv);
int run_create(int argc, char** argv);
int run_desparse(int argc, char** argv);
int run_grow(int argc, char** argv);
int run_info(int argc, char** argv);
int run_map(int argc, char** argv);

}  // namespace vhdboot::tool
