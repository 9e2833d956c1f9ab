// SPDX-License-Identifier: GPL-2.0-or-later
#include <string>
#include <string_view>

#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdtool/check_report.h"
#include "tools/vhdtool/judge.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot check [OPTION]... IMAGE

Would IMAGE boot with vhdboot, and if not, why not: every reason, each with what
to do. Nothing is changed. The same as `vhdtool check`, see vhdtool(1).

      --volume DEVICE   IMAGE is a path on this NTFS or exFAT volume, which is
                        not mounted; its state and where IMAGE lies are checked
      --conf CONF       judge by this configuration file instead of the one
                        beside IMAGE
      --json            one JSON object
      --quiet           say nothing, the exit status tells
  -h, --help            this text

Exit status: 0 it boots, 1 it could not be checked, 2 wrong command line, 3 it
will not boot, or is in use, 4 it boots with warnings or may boot.

Examples:
  vhdboot check debian.vhd
  sudo vhdboot check --volume /dev/sdb1 /boot/debian.vhd
)";

}  // namespace

ExitStatus run_check(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(
      argc, argv, {{"volume", true}, {"conf", true}, {"json", false}, {"quiet", false}}, {"IMAGE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& file = line.arguments.front();
  const auto findings =
      vhdtool::judge_image({.file = file, .volume = line.value("volume"), .conf = line.value("conf")});
  const bool json = line.has("json");
  if (!findings) {
    if (json && !line.has("quiet")) tools::print(vhdtool::check_json(file, findings.error()) + '\n');
    return tools::failed(argv[0], file, findings.error());
  }
  if (!line.has("quiet"))
    tools::print(json ? vhdtool::check_json(file, *findings) + '\n' : vhdtool::check_text(file, *findings));
  return vhdtool::check_status(*findings);
}

}  // namespace vhdboot::command
