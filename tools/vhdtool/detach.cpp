// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool detach: undoes `vhdtool attach`.
#include <string>

#include "base/text.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdtool/attachment.h"
#include "tools/vhdtool/commands.h"

namespace vhdboot::vhdtool {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdtool detach IMAGE|DEVICE

Undoes `vhdtool attach`: of the file IMAGE, or of the device that attach told.
What was written to it is on the disk when this returns. Refuses while something
of it is mounted or in use. Only root may do that.

  -h, --help  this text

Examples:
  vhdtool detach /media/data/debian.vhdx
  vhdtool detach /dev/loop3
)";

Result<void> detach_image(const std::string& path) {
  return detach(TRY(find_attachment(path)));
}

}  // namespace

ExitStatus run_detach(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {}, {"IMAGE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  if (const auto done = detach_image(path); !done) return tools::failed(argv[0], path, done.error());
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
