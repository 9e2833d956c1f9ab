// SPDX-License-Identifier: GPL-2.0-or-later
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdboot/carry_out.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdboot/install_plan.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot upgrade [OPTION]... [NAME|IMAGE]...

Replaces vhdboot's EFI files on mounted volumes, those of the names or all of them,
by this version. They are known by their content. A file is whole at any moment:
when the power fails the old one or the new one is there.

      --efi FILE  the vhdboot.efi to be copied
  -n, --dry-run   only show what would be replaced
  -y, --yes       do not ask
      --json      the plan as one JSON object
  -h, --help      this text

Examples:
  sudo vhdboot upgrade -n
  sudo vhdboot upgrade debian
)";

Result<std::vector<InstalledFile>> wanted(const RunningSystem& system, const std::vector<std::string>& names) {
  if (names.empty()) return find_installed(system, {});
  std::vector<InstalledFile> files;
  for (const std::string& name : names)
    for (InstalledFile& file : TRY_IN(printable(name), find_named(system, name))) files.push_back(std::move(file));
  return files;
}

}  // namespace

ExitStatus run_upgrade(int argc, char** argv) {
  const tools::CommandLine line =
      tools::read_command_line(argc, argv, plan_options({{"efi", true}}), {}, kHelp, {"NAME|IMAGE..."});
  if (line.status) return *line.status;
  const char* command = argv[0];
  const RunningSystem system;
  const auto source = read_boot_file(line.value("efi"));
  if (!source) return tools::failed(command, line.has("efi") ? line.value("efi") : "vhdboot.efi", source.error());
  const auto files = wanted(system, line.arguments);
  if (!files) return tools::failed(command, "EFI files", files.error());
  Changer changer(system.variables());
  auto plan = plan_upgrade(changer, system, *files, *source);
  if (!plan) return tools::failed(command, "EFI files", plan.error());
  if (files->empty()) plan->facts.emplace_back("no EFI file of vhdboot's on the mounted volumes");
  for (const InstalledFile& file : *files)
    plan->facts.push_back(concat(printable(file.path), ": vhdboot ", printable(file.version)));
  plan->then = concat("all of them are vhdboot ", printable(source->version));
  return show_and_carry_out(line, command, "EFI files", changer, *plan, "vhdboot.upgrade/1");
}

}  // namespace vhdboot::command
