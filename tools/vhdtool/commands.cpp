// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdtool/commands.h"

#include <array>

namespace vhdboot::vhdtool {
namespace {

using tools::Command;

constexpr std::array kCommands{
    Command{"attach", "make an image a disk of the running system", run_attach},
    Command{"boot-set", "print which blocks of an image a boot needs", run_boot_set},
    Command{"cat", "write bytes of the virtual disk to the standard output", run_cat},
    Command{"check", "say whether an image would boot, and if not why not", run_check},
    Command{"commit", "merge a differencing image into its parent", run_commit},
    Command{"create", "make a fixed VHD whose every block is allocated", run_create},
    Command{"delete", "remove a snapshot that nothing stands on", run_delete},
    Command{"desparse", "fill the holes of an image file", run_desparse},
    Command{"detach", "undo attach", run_detach},
    Command{"export", "write a WSL 1 distribution as a tar archive", run_export},
    Command{"fetch", "bring an image from a web server, each block checked", run_fetch},
    Command{"grow", "make a fixed VHD larger", run_grow},
    Command{"hashes", "write the hash tree of a file, for those who fetch it", run_hashes},
    Command{"info", "say what an image is and what is in it", run_info},
    Command{"map", "show where an image file lies on its disk", run_map},
    Command{"provision", "give the blocks of a growing image their places now", run_provision},
    Command{"reblock", "make the blocks of a VHDX small", run_reblock},
    Command{"reserve", "make free space inside a growing image's file", run_reserve},
    Command{"rollback", "make a differencing image read as its parent again", run_rollback},
    Command{"snapshot", "keep an image as it is, and go on in another file", run_snapshot},
    Command{"snapshots", "list the files that an image is made of", run_snapshots},
    Command{"update", "bring from a web server what has changed of an image", run_update},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

}  // namespace vhdboot::vhdtool
