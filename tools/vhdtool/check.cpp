// SPDX-License-Identifier: GPL-2.0-or-later
#include <string>
#include <string_view>

#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdtool/check_report.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/judge.h"

namespace vhdboot::vhdtool {
namespace {

constexpr std::string_view kHelp = R"(Usage: PROGRAM check [OPTION]... FILE

Would the disk image FILE boot with vhdboot, and if not, why not: every reason,
each with what to do. Nothing is changed. It chooses what to boot as the boot
does: unified kernel images, boot loader entries, kernels in /boot. What is not
on a FAT file system, such as /boot of most distributions, only root can look
into. As root it also asks whether the guest's root file system has the kernel
modules that a boot needs and the drivers of usual disks (when that cannot be
read, its initrd; with `modules-from`, what is named there), and whether
/etc/fstab will hold. The configuration file beside FILE, such as debian.conf
beside debian.vhd, counts as it would in a boot.

      --volume DEVICE   FILE is a path on this NTFS or exFAT volume, which is
                        not mounted; its state and where FILE lies are checked
      --parent-volume WHERE
                        the volume of `parent-volume` in the configuration, when
                        it is not found: its device, or without --volume the
                        folder where it is mounted
      --conf CONF       judge by this configuration file instead of the one
                        beside FILE
      --json            one JSON object
      --quiet           say nothing, the exit status tells
  -h, --help            this text

Exit status: 0 it boots, 1 it could not be checked, 2 wrong command line, 3 it
will not boot, or is in use, 4 it boots with warnings or may boot.

Examples:
  PROGRAM check debian.vhd
  sudo PROGRAM check --volume /dev/sdb1 /boot/debian.vhd
  PROGRAM check --json debian.vhd | jq '.findings[] | select(.severity != "ok")'
)";

// Two programs have it.
std::string help() {
  constexpr std::string_view kName = "PROGRAM";
  std::string text(kHelp);
  for (std::size_t at = 0; (at = text.find(kName, at)) != std::string::npos;)
    text.replace(at, kName.size(), tools::program());
  return text;
}

}  // namespace

ExitStatus run_check(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(
      argc, argv, {{"volume", true}, {"parent-volume", true}, {"conf", true}, {"json", false}, {"quiet", false}},
      {"FILE"}, help());
  if (line.status) return *line.status;
  const std::string& file = line.arguments.front();
  const bool json = line.has("json");
  const bool quiet = line.has("quiet");
  const auto findings = judge_image({.file = file,
                                     .volume = line.value("volume"),
                                     .parent_volume = line.value("parent-volume"),
                                     .conf = line.value("conf")});
  if (!findings) {
    if (json && !quiet) tools::print(check_json(file, findings.error()) + '\n');
    return tools::failed(argv[0], file, findings.error());
  }
  if (!quiet) tools::print(json ? check_json(file, *findings) + '\n' : check_text(file, *findings));
  return check_status(*findings);
}

}  // namespace vhdboot::vhdtool
