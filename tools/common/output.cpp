// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/output.h"

#include <getopt.h>

#include <cstdio>
#include <string>

#include "base/text.h"
#include "tools/common/space_file.h"

namespace vhdboot::tools {
namespace {

std::string_view program_name;

void complain(std::string_view command, std::string_view text) {
  const std::string line = concat(program_name, command.empty() ? "" : " ", command, ": ", text, '\n');
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

void set_program(std::string_view name) {
  program_name = name;
}

std::string_view program() {
  return program_name;
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

ExitStatus wrong_usage(std::string_view command, std::string_view text) {
  complain(command, concat(text, "; see ", program_name, ' ', command, " --help"));
  return ExitStatus::Usage;
}

ExitStatus wrong_option(std::string_view command, int result, char** argv) {
  const std::string option = stopping_option(argv);
  return wrong_usage(command,
                     result == ':' ? concat(option, " needs a value") : concat("unknown or ambiguous option ", option));
}

std::string stopping_option(char** argv) {
  constexpr int kLetters = 256;  // what stands for a long option is above them
  return optopt > 0 && optopt < kLetters ? printable(concat('-', static_cast<char>(optopt)))
                                         : printable(argv[optind - 1]);
}

ExitStatus failed(std::string_view command, std::string_view file, const Error& error) {
  const std::string name = file.empty() ? "\"\"" : printable(file);
  const std::string text = is_stop(error) ? error.text : error.message();
  complain(command, text.starts_with(concat(name, ':')) ? text : concat(name, ": ", text));
  return exit_status(error);
}

void warn(std::string_view command, std::string_view file, std::string_view text) {
  complain(command, concat(printable(file), ": warning: ", text));
}

ExitStatus finish(std::string_view command, ExitStatus status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  complain(command, sys_error("writing the output").message());
  return ExitStatus::Failed;
}

}  // namespace vhdboot::tools
