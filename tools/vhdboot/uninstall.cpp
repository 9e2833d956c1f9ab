// SPDX-License-Identifier: GPL-2.0-or-later
#include <string>
#include <string_view>

#include "base/text.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdboot/carry_out.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdboot/install_plan.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot uninstall [OPTION]... NAME|IMAGE

Takes vhdboot's EFI file called NAME, or the one that starts IMAGE, away, with the
configuration beside it and its entries in GRUB's, systemd-boot's, Ventoy's and the
firmware's menu. What will go is shown before, and asked for. The image is never
touched. The file is known by its content: another program of that name stays.

  -n, --dry-run   only show what would go
  -y, --yes       do not ask
      --json      the plan as one JSON object
  -h, --help      this text

Examples:
  sudo vhdboot uninstall debian
  vhdboot uninstall -n /media/stick/boot/debian.vhd
)";

}  // namespace

ExitStatus run_uninstall(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, plan_options({}), {"NAME|IMAGE"}, kHelp);
  if (line.status) return *line.status;
  const char* command = argv[0];
  const std::string& name = line.arguments.front();
  const RunningSystem system;
  const auto files = find_named(system, name);
  if (!files) return tools::failed(command, name, files.error());
  Changer changer(system.variables());
  auto plan = plan_uninstall(changer, system, *files);
  if (!plan) return tools::failed(command, name, plan.error());
  plan->then = "nothing of vhdboot is left of it but the image";
  return show_and_carry_out(line, command, name, changer, *plan, "vhdboot.uninstall/1");
}

}  // namespace vhdboot::command
