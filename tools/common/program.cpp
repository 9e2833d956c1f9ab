// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/program.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/text.h"
#include "tools/common/output.h"
#include "tools/common/similar_names.h"

namespace vhdboot::tools {
namespace {

std::string help(const Program& program) {
  const bool has_usual = !program.usual.empty();
  std::string text = concat("Usage: ", program.name, has_usual ? " [COMMAND]" : " COMMAND",
                            " [OPTION]... [ARGUMENT]...\n\nCommands:\n");
  for (const Command& command : program.commands) {
    constexpr std::size_t kWidth = 11;
    text += concat("  ", command.name, std::string(kWidth - command.name.size(), ' '), command.summary, '\n');
  }
  return concat(text, '\n', has_usual ? concat("Without a command: ", program.usual, ". ") : "", '`', program.name,
                " COMMAND --help` tells more;", has_usual ? "\n`" : " `", program.name,
                " --version` names the version.", "\n\n", kExitStatusHelp);
}

ExitStatus complain(const Program& program, std::string_view text) {
  const std::string line = concat(program.name, ": ", text, "; see ", program.name, " --help\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
  return ExitStatus::Usage;
}

ExitStatus unknown_command(const Program& program, std::string_view word) {
  std::vector<std::string_view> names;
  for (const Command& command : program.commands) names.push_back(command.name);
  const std::string close = similar_names(word, names);
  return complain(program, concat("there is no command \"", printable(word), '"',
                                  close.empty() ? "" : concat(", did you mean: ", close)));
}

ExitStatus run_command(const Program& program, int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "--help" || word == "-h" || word == "help") {
    print(help(program));
    return ExitStatus::Done;
  }
  if (word == "--version" || word == "-V") {
    print(concat(program.version, '\n'));
    return ExitStatus::Done;
  }
  // Options without a command are those of the usual one.
  const bool is_usual = !program.usual.empty() && (argc < 2 || (word.starts_with("--") && word.size() > 2));
  if (!is_usual && argc < 2) return complain(program, "which command?");
  if (!is_usual && (word.empty() || word.starts_with('-')))
    return complain(program, concat("unknown option ", printable(word)));
  const auto command = std::ranges::find(program.commands, is_usual ? program.usual : word, &Command::name);
  if (command == program.commands.end()) return unknown_command(program, word);
  if (!is_usual) return command->run(argc - 1, argv + 1);
  std::string name(program.usual);
  std::vector<char*> arguments{name.data()};
  arguments.insert(arguments.end(), argv + std::min(argc, 1), argv + argc);
  arguments.push_back(nullptr);
  return command->run(static_cast<int>(arguments.size()) - 1, arguments.data());
}

}  // namespace

int run(const Program& program, int argc, char** argv) {
  if (!open_standard_streams()) return number(ExitStatus::Failed);
  set_program(program.name);
  // A limit on file sizes is an error of one write, not the end of the program in the middle of its work.
  std::signal(SIGXFSZ, SIG_IGN);
  const ExitStatus status = run_command(program, argc, argv);
  const bool done = status == ExitStatus::Done || status == ExitStatus::Warnings;
  return number(done ? finish(argc > 1 ? argv[1] : "", status) : status);
}

}  // namespace vhdboot::tools
