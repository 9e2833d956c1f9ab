// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/carry_out.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/held_signals.h"
#include "base/text.h"
#include "tools/common/output.h"

namespace vhdboot::command {
namespace {

// No is what everything but a clear yes means.
bool says_yes() {
  std::fflush(stdout);
  std::fputs("Do it? [y/N] ", stderr);
  std::array<char, 64> answer{};
  if (std::fgets(answer.data(), answer.size(), stdin) == nullptr) return false;
  const std::string word = to_lower_ascii(trim(answer.data()));
  return word == "y" || word == "yes";
}

}  // namespace

std::vector<tools::OptionName> plan_options(std::vector<tools::OptionName> more) {
  more.push_back({"dry-run", false, 'n'});
  more.push_back({"yes", false, 'y'});
  more.push_back({"json", false});
  return more;
}

ExitStatus show_and_carry_out(const tools::CommandLine& line, std::string_view command, std::string_view subject,
                              Changer& changer, const Plan& plan, std::string_view schema) {
  const ExitStatus good = plan.warnings.empty() ? ExitStatus::Done : ExitStatus::Warnings;
  tools::print(line.has("json") ? plan_json(plan, schema) + '\n' : plan_text(plan));
  if (line.has("dry-run") || plan.changes.empty()) return good;
  if (!line.has("yes") && ::isatty(STDIN_FILENO) != 0 && !says_yes()) {
    tools::print("nothing was changed\n");
    return ExitStatus::Refused;
  }
  const HeldSignals held;
  if (const auto done = carry_out(changer, plan); !done) return tools::failed(command, subject, done.error());
  if (!line.has("json")) tools::print(concat("done     ", plan.then, '\n'));
  return good;
}

Result<std::string> whole_path(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> whole(::realpath(path.c_str(), nullptr), &std::free);
  if (!whole) return fail_errno(path);
  return std::string(whole.get());
}

}  // namespace vhdboot::command
