// SPDX-License-Identifier: GPL-2.0-or-later
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "init/record/config.h"
#include "init/sys/file.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdboot/carry_out.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdboot/conf_text.h"
#include "tools/vhdboot/install_plan.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot set [OPTION]... NAME|IMAGE [KEY[=[VALUE]]]...

Shows or changes the configuration of vhdboot's EFI file called NAME, or of the one
that starts IMAGE: NAME.conf beside it. KEY alone shows its value, KEY=VALUE sets it,
KEY= takes it away. What a boot would not take is refused. The keys: vhdboot(7).

  -n, --dry-run   only show what would be written
  -y, --yes       do not ask
      --json      the plan as one JSON object
  -h, --help      this text

Examples:
  vhdboot set debian
  sudo vhdboot set debian options='quiet splash' wait=60
)";

struct Asked {
  std::vector<std::string> shown;
  std::vector<Setting> settings;
};

Result<Asked> parse_words(const std::vector<std::string>& arguments) {
  Asked asked;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i].find('=') == std::string::npos)
      asked.shown.push_back(arguments[i]);
    else
      asked.settings.push_back(TRY(parse_setting(arguments[i])));
  }
  if (!asked.shown.empty() && !asked.settings.empty())
    return fail(Code::Invalid, "show keys or set them, not both at once");
  return asked;
}

ExitStatus show(std::string_view text, const std::vector<std::string>& keys) {
  if (keys.empty()) tools::print(text);
  for (const std::string& key : keys)
    if (const auto value = value_of(text, key)) tools::print(*value + '\n');
  return ExitStatus::Done;
}

// The text of the file, empty when it is not there.
Result<std::string> read_conf(const std::string& path) {
  auto text = sys::read_text(path, record::kMaxConfigBytes);
  if (!text && text.error().code == Code::NotFound) return std::string();
  return text;
}

Result<Plan> make_plan(const Changer& changer, const std::string& path, const std::vector<Setting>& settings) {
  const std::string text = TRY(read_conf(path));
  const std::string made = TRY(with_settings(text, settings, path));
  const Bytes bytes = as_bytes(made);
  Plan plan;
  std::string what;
  for (const Setting& setting : settings)
    what += concat(what.empty() ? "" : ", ", setting.key, ' ', setting.value.value_or("(none)"));
  plan.add(TRY(plan_change(changer, Change::Target::File, path,
                           made.empty() ? std::nullopt : std::optional(FileBytes(bytes.begin(), bytes.end())), what)));
  plan.then = "it counts from the next start on";
  return plan;
}

}  // namespace

ExitStatus run_set(int argc, char** argv) {
  const tools::CommandLine line =
      tools::read_command_line(argc, argv, plan_options({}), {"NAME|IMAGE"}, kHelp, {"KEY=VALUE..."});
  if (line.status) return *line.status;
  const char* command = argv[0];
  const auto asked = parse_words(line.arguments);
  if (!asked) return tools::wrong_usage(command, asked.error().text);
  const std::string& name = line.arguments.front();
  const RunningSystem system;
  const auto files = find_named(system, name);
  if (!files) return tools::failed(command, name, files.error());
  if (files->size() > 1)
    return tools::failed(command, name,
                         Error{Code::Invalid, 0,
                               concat("there are several, say which: ", printable(files->front().path), ", ",
                                      printable(files->back().path))});
  const std::string path = files->front().configuration();
  if (asked->settings.empty()) {
    const auto text = read_conf(path);
    if (!text) return tools::failed(command, path, text.error());
    return show(*text, asked->shown);
  }
  Changer changer(system.variables());
  const auto plan = make_plan(changer, path, asked->settings);
  if (!plan) return tools::failed(command, path, plan.error());
  return show_and_carry_out(line, command, path, changer, *plan, "vhdboot.set/1");
}

}  // namespace vhdboot::command
