// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>

#include <array>
#include <string>
#include <string_view>

#include "tools/common/output.h"
#include "tools/vhdtool/check_report.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/judge.h"

namespace vhdboot::vhdtool {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdtool check [OPTION]... FILE

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
      --conf CONF       judge by this configuration file instead of the one
                        beside FILE
      --json            one JSON object
      --quiet           say nothing, the exit status tells
  -h, --help            this text

Exit status: 0 it boots, 1 it could not be checked, 2 wrong command line, 3 it
will not boot, or is in use, 4 it boots with warnings or may boot.

Examples:
  vhdtool check debian.vhd
  sudo vhdtool check --volume /dev/sdb1 /boot/debian.vhd
  vhdtool check --json debian.vhd | jq '.findings[] | select(.severity != "ok")'
)";

struct Options {
  ImageToJudge image;
  bool json = false;
  bool quiet = false;
};

}  // namespace

ExitStatus run_check(int argc, char** argv) {
  enum : int { kVolume = 256, kConf, kJson, kQuiet };
  static constexpr std::array<option, 6> kOptions{{{"volume", required_argument, nullptr, kVolume},
                                                   {"conf", required_argument, nullptr, kConf},
                                                   {"json", no_argument, nullptr, kJson},
                                                   {"quiet", no_argument, nullptr, kQuiet},
                                                   {"help", no_argument, nullptr, 'h'},
                                                   {}}};
  Options options;
  int result = 0;
  while ((result = getopt_long(argc, argv, ":h", kOptions.data(), nullptr)) != -1) {
    switch (result) {
      case kVolume:
        options.image.volume = optarg;
        break;
      case kConf:
        options.image.conf = optarg;
        break;
      case kJson:
        options.json = true;
        break;
      case kQuiet:
        options.quiet = true;
        break;
      case 'h':
        tools::print(kHelp);
        return ExitStatus::Done;
      default:
        return tools::wrong_option("check", result, argv);
    }
  }
  if (argc - optind != 1) return tools::wrong_usage("check", optind == argc ? "which FILE?" : "one FILE at a time");
  options.image.file = argv[optind];
  const std::string& file = options.image.file;
  const auto findings = judge_image(options.image);
  if (!findings) {
    if (options.json && !options.quiet) tools::print(check_json(file, findings.error()) + '\n');
    return tools::failed("check", file, findings.error());
  }
  if (!options.quiet) tools::print(options.json ? check_json(file, *findings) + '\n' : check_text(file, *findings));
  return check_status(*findings);
}

}  // namespace vhdboot::vhdtool
