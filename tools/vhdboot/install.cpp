// SPDX-License-Identifier: GPL-2.0-or-later
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdboot/carry_out.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdboot/image_list.h"
#include "tools/vhdboot/install_plan.h"
#include "tools/vhdtool/judge.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot install [OPTION]... IMAGE

Puts vhdboot's EFI file where a boot menu finds it, and IMAGE into that menu. What
will be written is shown before, and asked for. IMAGE stays as it is; it is on a
mounted NTFS or exFAT volume. `vhdboot uninstall` takes all of it away again.

      --menu MENU    ventoy, grub, systemd-boot, refind, firmware, or none (only
                     the file beside IMAGE); without it the one that is here
      --esp DIR      where the ESP is mounted (/efi, /boot, /boot/efi)
      --title TEXT   in the menu
      --name NAME    of the EFI file; without it that of IMAGE
      --set KEY=VALUE  of the configuration, may be repeated
      --efi FILE     the vhdboot.efi to be copied
  -n, --dry-run      only show what would be written
  -y, --yes          do not ask
      --json         the plan as one JSON object
  -h, --help         this text

Examples:
  vhdboot install --menu ventoy /media/stick/boot/debian.vhd
  sudo vhdboot install -n --menu systemd-boot /media/data/boot/debian.vhd
)";

// What a check says of the image, a sentence; an error when it will not boot.
Result<std::string> judge(const std::string& image) {
  const auto findings = vhdtool::judge_image({.file = image, .volume = {}, .conf = {}});
  if (!findings) return std::unexpected(findings.error());
  ListedImage verdict;
  take_verdict(*findings, verdict);
  if (verdict.state == ImageState::Refused)
    return fail(Code::Unsupported, concat("it will not boot: ", verdict.reason, "; vhdboot check tells all"));
  const std::size_t warnings = findings->count(vhdtool::Severity::Warning);
  return concat(printable(image), ": ", verdict.system.empty() ? "" : concat(printable(verdict.system), ", "),
                verdict.state == ImageState::Ready ? "boots" : "may boot", ", ", warnings,
                warnings == 1 ? " warning" : " warnings", " (vhdboot check tells)");
}

Result<Plan> make_plan(const Changer& changer, const RunningSystem& system, const InstallRequest& request,
                       const std::string& efi) {
  std::string verdict = TRY(judge(request.image));
  const BootFileSource source = TRY(read_boot_file(efi));
  Plan plan = TRY(plan_install(changer, system, request, source));
  plan.facts.insert(plan.facts.begin(), std::move(verdict));
  return plan;
}

}  // namespace

ExitStatus run_install(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(
      argc, argv,
      plan_options({{"menu", true}, {"esp", true}, {"title", true}, {"name", true}, {"set", true}, {"efi", true}}),
      {"IMAGE"}, kHelp);
  if (line.status) return *line.status;
  const char* command = argv[0];
  InstallRequest request{.image = {},
                         .menu = {},
                         .esp = line.value("esp"),
                         .title = line.value("title"),
                         .name = line.value("name"),
                         .settings = {}};
  if (line.has("menu")) {
    const auto menu = parse_boot_menu(line.value("menu"));
    if (!menu) return tools::wrong_usage(command, menu.error().text);
    request.menu = *menu;
  }
  for (const auto& [name, value] : line.options) {
    if (name != "set") continue;
    auto setting = parse_setting(value);
    if (!setting) return tools::wrong_usage(command, setting.error().text);
    request.settings.push_back(*std::move(setting));
  }
  const std::string& image = line.arguments.front();
  const auto path = whole_path(image);
  if (!path) return tools::failed(command, image, path.error());
  request.image = *path;
  const RunningSystem system;
  Changer changer(system.variables());
  const auto plan = make_plan(changer, system, request, line.value("efi"));
  if (!plan) return tools::failed(command, image, plan.error());
  return show_and_carry_out(line, command, image, changer, *plan, "vhdboot.install/1");
}

}  // namespace vhdboot::command
