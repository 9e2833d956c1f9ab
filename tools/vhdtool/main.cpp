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
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/output.h"

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

// How many letters must be put in, left out, changed or swapped with their neighbour to make `a` of `b`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      cost[i][j] =
          std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

constexpr std::size_t kLongestTypo = 32;

ExitStatus unknown_command(std::string_view word) {
  std::string close;
  for (const Command& command : commands()) {
    const bool begins = !word.empty() && command.name.starts_with(word);
    if (!begins && (word.size() > kLongestTypo ||
                    distance(word, command.name) > std::max<std::size_t>(1, command.name.size() / 2 - 1)))
      continue;
    close += concat(close.empty() ? "" : ", ", command.name);
  }
  const std::string text = concat("vhdtool: there is no command \"", printable(word), '"',
                                  close.empty() ? "" : concat(", did you mean: ", close), "; see vhdtool --help\n");
  std::fwrite(text.data(), 1, text.size(), stderr);
  return ExitStatus::Usage;
}

ExitStatus run(int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "--help" || word == "-h" || word == "help") {
    print(help());
    return ExitStatus::Done;
  }
  if (word == "--version" || word == "-V") {
    print("vhdtool (vhdboot) " VHDBOOT_VERSION "\n");
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
  // A limit on file sizes is an error of one write, not the end of the program in the middle of its work.
  std::signal(SIGXFSZ, SIG_IGN);
  const ExitStatus status = run(argc, argv);
  const bool done = status == ExitStatus::Done || status == ExitStatus::Warnings;
  return number(done ? finish(argc > 1 ? argv[1] : "", status) : status);
}
