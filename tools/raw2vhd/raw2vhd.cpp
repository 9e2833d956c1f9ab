// SPDX-License-Identifier: GPL-2.0-or-later
// raw2vhd: makes raw disk images fixed VHDs in place, and again after they were grown. See raw2vhd(1).
#include <getopt.h>

#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/exit_status.h"
#include "base/fd.h"
#include "base/guid.h"
#include "base/held_signals.h"
#include "base/result.h"
#include "base/text.h"
#include "init/sys/random.h"
#include "tools/common/creation_time.h"
#include "tools/common/host_file.h"
#include "tools/common/output.h"
#include "tools/raw2vhd/report.h"
#include "vhd/conversion.h"
#include "vhd/refusal.h"

namespace {

using namespace vhdboot;
using namespace vhdboot::raw2vhd;
using namespace vhdboot::tools;
using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: raw2vhd [OPTION]... FILE...

Makes each raw disk image FILE a fixed VHD, in place: one 512-byte footer is
written, whatever the size. A fixed VHD that was made longer by truncate(1)
grows by just as much; its UUID and creation time stay. A file that is right
already is left as it is.

  -n, --dry-run       only say what would be written, and where
      --pad           fill up a size that is no multiple of 512 with zeros
      --relocate-gpt  move the backup partition table to the end of the disk
      --uuid UUID     give the disk this UUID
      --json          one JSON object about all FILEs
  -q, --quiet         say nothing unless something is wrong
  -h, --help          this text
  -V, --version       the version

Examples:
  raw2vhd debian.vhd                       a raw image becomes a fixed VHD
  truncate -s +10G debian.vhd              the file becomes longer ...
  raw2vhd --relocate-gpt debian.vhd        ... and so does the disk in it
  qemu-img convert -p -O raw debian.qcow2 debian.vhd && raw2vhd debian.vhd

Exit status: 0 done, 1 failed (also: no permission, no room), 2 wrong command
line, 3 refused (wrong size, another format, damaged, in use); with several
FILEs, that of the first which was not done.
)";

struct CommandLine {
  bool dry_run = false;
  bool pad = false;
  bool relocate_gpt = false;
  bool json = false;
  bool quiet = false;
  bool help = false;
  bool version = false;
  std::optional<Guid> uuid;
  std::vector<std::string> files;
};

std::unexpected<Error> wrong_usage(std::string text) {
  return fail(Code::Invalid, std::move(text) + "; see raw2vhd --help");
}

Result<CommandLine> parse_command_line(int argc, char** argv) {
  enum : int { kPad = 256, kRelocateGpt, kUuid, kJson };
  static constexpr std::array<option, 9> kOptions{{{"dry-run", no_argument, nullptr, 'n'},
                                                   {"pad", no_argument, nullptr, kPad},
                                                   {"relocate-gpt", no_argument, nullptr, kRelocateGpt},
                                                   {"uuid", required_argument, nullptr, kUuid},
                                                   {"json", no_argument, nullptr, kJson},
                                                   {"quiet", no_argument, nullptr, 'q'},
                                                   {"help", no_argument, nullptr, 'h'},
                                                   {"version", no_argument, nullptr, 'V'},
                                                   {}}};
  CommandLine line;
  int option = 0;
  while ((option = getopt_long(argc, argv, ":nqhV", kOptions.data(), nullptr)) != -1) {
    switch (option) {
      case 'n':
        line.dry_run = true;
        break;
      case kPad:
        line.pad = true;
        break;
      case kRelocateGpt:
        line.relocate_gpt = true;
        break;
      case kUuid:
        line.uuid = parse_guid(optarg);
        if (!line.uuid || line.uuid->is_zero())
          return wrong_usage(
              concat("\"", printable(optarg), "\" is no UUID such as ", "1b4e28ba-2fa1-11d2-883f-0016d3cca427"));
        break;
      case kJson:
        line.json = true;
        break;
      case 'q':
        line.quiet = true;
        break;
      case 'h':
        line.help = true;
        break;
      case 'V':
        line.version = true;
        break;
      case ':':
        return wrong_usage(concat(tools::stopping_option(argv), " needs a value"));
      default:
        return wrong_usage(concat("unknown or ambiguous option ", tools::stopping_option(argv)));
    }
  }
  line.files.assign(argv + optind, argv + argc);
  if (line.help || line.version) return line;
  if (line.files.empty()) return wrong_usage("which FILE?");
  if (line.uuid && line.files.size() > 1) return wrong_usage("--uuid is for one FILE: no two disks may share a UUID");
  return line;
}

vhd::Attempt<vhd::Conversion> process(const std::string& path, const CommandLine& line) {
  const auto file = TRY(tools::HostFile::open(path, line.dry_run ? tools::Access::Inspect : tools::Access::Change));
  vhd::ConversionOptions options;
  options.uuid = line.uuid;
  options.fresh_uuid = TRY(sys::random_uuid());
  options.now = creation_time();
  options.pad = line.pad;
  options.relocate_gpt = line.relocate_gpt;
  options.file_name = path;
  auto conversion = TRY(plan_conversion(*file, options));
  if (line.dry_run) return conversion;
  const HeldSignals held;
  TRY(convert(*file, conversion));
  return conversion;
}

void print(std::string_view text, std::FILE* stream) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

void complain(std::string_view text) {
  print(concat("raw2vhd: ", text, '\n'), stderr);
}

// Returns what the file asks for.
ExitStatus handle(const std::string& path, const CommandLine& line, JsonReport& json) {
  const auto conversion = process(path, line);
  if (!conversion) {
    const vhd::Refusal& refusal = conversion.error();
    if (line.json) json.add(path, refusal);
    complain(concat(path.empty() ? "\"\"" : printable(path), ": ", refusal.error.message()));
    return exit_status(refusal.error);
  }
  const bool uuid_known = !line.dry_run || line.uuid || conversion->change != vhd::Change::Created;
  const ReportOptions options{line.dry_run, uuid_known};
  if (line.json)
    json.add(path, *conversion, options);
  else if (!line.quiet)
    print(text_report(path, *conversion, options), stdout);
  return ExitStatus::Done;
}

ExitStatus run(const CommandLine& line) {
  if (line.help) {
    print(kHelp, stdout);
    return ExitStatus::Done;
  }
  if (line.version) {
    print("raw2vhd (vhdboot) " VHDBOOT_VERSION "\n", stdout);
    return ExitStatus::Done;
  }
  JsonReport json;
  ExitStatus status = ExitStatus::Done;
  for (const std::string& path : line.files) status = together(status, handle(path, line, json));
  if (line.json) print(json.finish(status) + '\n', stdout);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (!open_standard_streams()) return number(ExitStatus::Failed);
  // A limit on file sizes is an error of one write, not the end of the program in the middle of its work.
  std::signal(SIGXFSZ, SIG_IGN);
  const auto line = parse_command_line(argc, argv);
  if (!line) {
    complain(line.error().text);
    return number(ExitStatus::Usage);
  }
  const ExitStatus status = run(*line);
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return number(status);
  complain(sys_error("writing the output").message());
  return number(together(status, ExitStatus::Failed));
}
