// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool: makes, changes and shows disk images. See vhdtool(1).
#include <csignal>
#include <cstdio>

#include <array>
#include <string>
#include <string_view>

#include "base/text.h"
#include "vhd/tool/command.h"
#include "vhd/tool/commands.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::tool;

constexpr std::array kCommands{
    Command{"create", "make a fixed VHD whose every block is allocated", run_create},
    Command{"desparse", "fill the holes of an image file", run_desparse},
    Command{"grow", "make a fixed VHD larger", run_grow},
    Command{"map", "show where an image file lies on its disk", run_map},
};

void print(std::string_view text, std::FILE* stream) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

std::string help() {
  std::string text = "Usage: vhdtool COMMAND [OPTION]... ARGUMENT...\n\n";
  for (const Command& command : kCommands)
    text += concat("  ", command.name, std::string(10 - command.name.size(), ' '), command.summary, '\n');
  return text + "\n`vhdtool COMMAND --help` tells more. Exit status: 0 done, 1 failed, 2 wrong usage.\n";
}

}  // namespace

int main(int argc, char** argv) {
  // A limit on file sizes is an error of one write, not the end of the program in the middle of its work.
  std::signal(SIGXFSZ, SIG_IGN);
  const std::string_view name = argc > 1 ? argv[1] : "";
  int status = 2;
  if (name == "--help" || name == "-h") {
    print(help(), stdout);
    status = 0;
  } else if (name == "--version" || name == "-V") {
    print("vhdtool (vhdboot) " VHDBOOT_VERSION "\n", stdout);
    status = 0;
  } else {
    const Command* found = nullptr;
    for (const Command& command : kCommands)
      if (command.name == name) found = &command;
    if (found != nullptr)
      status = found->run(argc - 1, argv + 1);
    else if (name.empty())
      print("vhdtool: which COMMAND? See vhdtool --help\n", stderr);
    else
      print(concat("vhdtool: there is no command \"", printable(name), "\"; see vhdtool --help\n"), stderr);
  }
  const bool said_all = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  return !said_all && status == 0 ? 1 : status;
}
