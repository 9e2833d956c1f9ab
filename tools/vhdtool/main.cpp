// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool: looks into disk images and makes them. See vhdtool(1).
#include <csignal>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/text.h"
#include "tools/common/output.h"
#include "tools/common/similar_names.h"
#include "tools/vhdtool/commands.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::vhdtool;

std::string help() {
  std::string text = "Usage: vhdtool COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n";
  for (const Command& command : commands()) {
    const std::size_t width = 11;
    text += concat("  ", command.name, std::string(std::max(width, command.name.size() + 1) - command.name.size(), ' '),
                   command.summary, '\n');
  }
  return text + "\n`vhdtool COMMAND --help` tells more; `vhdtool --version` names the version.\n\n" +
         std::string(kExitStatusHelp);
}

ExitStatus unknown_command(std::string_view word) {
  std::vector<std::string_view> names;
  for (const Command& command : commands()) names.push_back(command.name);
  const std::string close = tools::similar_names(word, names);
  const std::string text = concat("vhdtool: there is no command \"", printable(word), '"',
                                  close.empty() ? "" : concat(", did you mean: ", close), "; see vhdtool --help\n");
  std::fwrite(text.data(), 1, text.size(), stderr);
  return ExitStatus::Usage;
}

ExitStatus run(int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "--help" || word == "-h" || word == "help") {
    tools::print(help());
    return ExitStatus::Done;
  }
  if (word == "--version" || word == "-V") {
    tools::print("vhdtool (vhdboot) " VHDBOOT_VERSION "\n");
    return ExitStatus::Done;
  }
  if (word.empty() || word.starts_with('-')) {
    const std::string text =
        concat("vhdtool: ", word.empty() ? "which command?" : concat("unknown option ", printable(word)),
               word.empty() ? " See" : "; see", " vhdtool --help\n");
    std::fwrite(text.data(), 1, text.size(), stderr);
    return ExitStatus::Usage;
  }
  const auto command = std::ranges::find(commands(), word, &Command::name);
  return command == commands().end() ? unknown_command(word) : command->run(argc - 1, argv + 1);
}

}  // namespace

int main(int argc, char** argv) {
  if (!open_standard_streams()) return number(ExitStatus::Failed);
  tools::set_program("vhdtool");
  // A limit on file sizes is an error of one write, not the end of the program in the middle of its work.
  std::signal(SIGXFSZ, SIG_IGN);
  const ExitStatus status = run(argc, argv);
  const bool done = status == ExitStatus::Done || status == ExitStatus::Warnings;
  return number(done ? tools::finish(argc > 1 ? argv[1] : "", status) : status);
}
