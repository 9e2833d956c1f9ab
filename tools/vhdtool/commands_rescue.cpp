// SPDX-License-Identifier: GPL-2.0-or-later
// The vhdtool of the rescue shell: what mends a file so that it boots, and nothing that reads images (`inspect` does).
#include <array>

#include "tools/vhdtool/commands.h"

namespace vhdboot::vhdtool {
namespace {

using tools::Command;

constexpr std::array kCommands{
    Command{"desparse", "fill the holes of an image file", run_desparse},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

}  // namespace vhdboot::vhdtool
