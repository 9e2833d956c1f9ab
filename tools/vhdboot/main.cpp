// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot: the images of this machine, from a running system. See vhdboot(1).
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
#include "tools/vhdboot/commands.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::command;

std::string help() {
  std::string text = "Usage: vhdboot [COMMAND] [OPTION]... [ARGUMENT]...\n\nCommands:\n";
  for (const Command& command : commands()) {
    constexpr std::size_t kWidth = 11;
    text += concat("  ", command.name, std::string(kWidth - command.name.size(), ' '), command.summary, '\n');
  }
  return text +
         "\nWithout a command: status. `vhdboot COMMAND --help` tells more; `vhdboot --version`\n"
         "names the version.\n\n" +
         std::string(kExitStatusHelp);
}

ExitStatus complain(std::string_view text) {
  const std::string line = concat("vhdboot: ", text, "; see vhdboot --help\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
  return ExitStatus::Usage;
}

ExitStatus run(int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "status";
  if (word == "--help" || word == "-h" || word == "help") {
    tools::print(help());
    return ExitStatus::Done;
  }
  if (word == "--version" || word == "-V") {
    tools::print("vhdboot " VHDBOOT_VERSION "\n");
    return ExitStatus::Done;
  }
  // Options without a command are those of status.
  if (argc == 1 || word == "--json") {
    static char status[] = "status";
    std::vector<char*> arguments{status};
    arguments.insert(arguments.end(), argv + 1, argv + argc + 1);  // with the null behind them
    return run_status(argc, arguments.data());
  }
  if (word.empty() || word.starts_with('-')) return complain(concat("unknown option ", printable(word)));
  if (const auto command = std::ranges::find(commands(), word, &Command::name); command != commands().end())
    return command->run(argc - 1, argv + 1);
  std::vector<std::string_view> names;
  for (const Command& command : commands()) names.push_back(command.name);
  const std::string close = tools::similar_names(word, names);
  return complain(
      concat("there is no command \"", printable(word), '"', close.empty() ? "" : concat(", did you mean: ", close)));
}

}  // namespace

int main(int argc, char** argv) {
  if (!open_standard_streams()) return number(ExitStatus::Failed);
  tools::set_program("vhdboot");
  // A limit on file sizes is an error of one write, not the end of the program in the middle of its work.
  std::signal(SIGXFSZ, SIG_IGN);
  const ExitStatus status = run(argc, argv);
  const bool done = status == ExitStatus::Done || status == ExitStatus::Warnings;
  return number(done ? tools::finish(argc > 1 ? argv[1] : "", status) : status);
}
