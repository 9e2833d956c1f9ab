// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <string>
#include <string_view>

#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdboot/commands.h"
#include "tools/vhdboot/snapshot_report.h"

namespace vhdboot::command {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdboot snapshot [--json]

In a Linux that vhdboot has started: what it can do now to go back later, and
what has to be done while it does not run, with the lines for that. Nothing is
changed: a snapshot of the image takes another system, see vhdtool(1).

      --json   one JSON object
  -h, --help   this text

Example:
  vhdboot snapshot
)";

}  // namespace

ExitStatus run_snapshot(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {{"json", false}}, {}, kHelp);
  if (line.status) return *line.status;
  const RunningSystem system;
  Status status = read_status(system);
  if (status.disk && status.start && !status.disk->partition.empty())
    if (auto image = read_image_facts(*status.disk, *status.start)) status.image = *std::move(image);
  const auto mounts = system.mounts();
  const tools::MountedVolume* root = tools::mount_of(mounts, "/");
  const SnapshotAdvice advice = snapshot_advice(status, root == nullptr ? "" : root->type);
  tools::print(line.has("json") ? to_json(advice) + '\n' : to_text(advice));
  return ExitStatus::Done;
}

}  // namespace vhdboot::command
