// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/options.h"

#include <getopt.h>

#include <algorithm>

#include "base/text.h"
#include "tools/common/output.h"

namespace vhdboot::tools {

bool CommandLine::has(std::string_view name) const {
  return std::ranges::any_of(options, [&](const auto& option) { return option.first == name; });
}

std::string CommandLine::value(std::string_view name) const {
  std::string value;
  for (const auto& option : options)
    if (option.first == name) value = option.second;
  return value;
}

CommandLine read_command_line(int argc, char** argv, const std::vector<OptionName>& options,
                              const std::vector<std::string_view>& arguments, std::string_view help,
                              const std::vector<std::string_view>& more) {
  constexpr int kFirst = 256;
  const std::string_view command = argv[0];
  std::vector<std::string> names;
  names.reserve(options.size());
  std::vector<option> table;
  std::string letters = ":h";
  for (const OptionName& known : options) {
    const std::string& name = names.emplace_back(known.name);
    table.push_back({name.c_str(), known.has_value ? required_argument : no_argument, nullptr,
                     kFirst + static_cast<int>(table.size())});
    if (known.letter != 0) letters += concat(known.letter, known.has_value ? ":" : "");
  }
  table.push_back({"help", no_argument, nullptr, 'h'});
  table.push_back({});

  CommandLine line;
  int found = 0;
  while ((found = getopt_long(argc, argv, letters.c_str(), table.data(), nullptr)) != -1) {
    const auto lettered = std::ranges::find(options, found, &OptionName::letter);
    if (found != 'h' && lettered != options.end()) {
      line.options.emplace_back(lettered->name, optarg != nullptr ? optarg : "");
    } else if (found >= kFirst) {
      line.options.emplace_back(names[static_cast<std::size_t>(found - kFirst)], optarg != nullptr ? optarg : "");
    } else if (found == 'h') {
      print(help);
      line.status = ExitStatus::Done;
      return line;
    } else {
      line.status = wrong_option(command, found, argv);
      return line;
    }
  }
  line.arguments.assign(argv + optind, argv + argc);
  if (line.arguments.size() < arguments.size())
    line.status = wrong_usage(command, concat("which ", arguments[line.arguments.size()], "?"));
  // As an unset variable of a shell leaves it.
  if (!line.status && std::ranges::find(line.arguments, "") != line.arguments.end())
    line.status = wrong_usage(command, "an argument is empty");
  const std::size_t most = arguments.size() + more.size();
  if (!line.status && line.arguments.size() > most && (more.empty() || !more.back().ends_with("...")))
    line.status = wrong_usage(command, concat("\"", printable(line.arguments[most]), "\" is too much"));
  return line;
}

}  // namespace vhdboot::tools
