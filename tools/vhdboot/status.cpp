// SPDX-License-Identifier: GPL-2.0-or-later
#include <string_view>

#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdboot/status_report.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot [status] [--json]

In a Linux that vhdboot has started: which image this is, on which volume, what
is written where, whether the disk is used by direct I/O, how the machine was
started, and what it starts next. On any other system: what it starts next.
What only the volume tells, the image's format and in how many pieces it lies,
root alone can ask.

      --json   one JSON object
  -h, --help   this text

Examples:
  vhdboot
  vhdboot status --json | jq .image.path
)";

}  // namespace

ExitStatus run_status(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {{"json", false}}, {}, kHelp);
  if (line.status) return *line.status;
  Status status = read_status(RunningSystem());
  if (status.disk && status.start && !status.disk->partition.empty())
    if (auto image = read_image_facts(*status.disk, *status.start)) status.image = *std::move(image);
  tools::print(line.has("json") ? status_json(status) + '\n' : status_text(status));
  return ExitStatus::Done;
}

}  // namespace vhdboot::command
