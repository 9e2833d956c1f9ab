// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/commands.h"

#include <array>

#include "tools/vhdtool/commands.h"

namespace vhdboot::command {
namespace {

using tools::Command;

constexpr std::array kCommands{
    Command{"status", "say how this system was started, and what is started next", run_status},
    Command{"list", "list the images on all volumes", run_list},
    Command{"check", "say whether an image would boot, and if not why not", vhdtool::run_check},
    Command{"install", "put an image into a boot menu", run_install},
    Command{"uninstall", "take it out again, without a trace", run_uninstall},
    Command{"upgrade", "replace installed EFI files by this version", run_upgrade},
    Command{"set", "show or change the configuration of an installed image", run_set},
    Command{"next", "choose what the machine starts next, once", run_next},
    Command{"schedule", "do that at a time, with a warning", run_schedule},
    Command{"try", "boot an image in QEMU, without writing to it", run_try},
    Command{"snapshot", "say how this system can go back later", run_snapshot},
    Command{"mount", "look into an image", run_mount},
    Command{"report", "collect what a bug report needs", run_report},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

}  // namespace vhdboot::command
