// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool reserve: free space inside the file of a growing image.
#include <algorithm>
#include <string>

#include "base/size_text.h"
#include "base/text.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdtool/block_file.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/interruption.h"
#include "vhd/provision.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool reserve FILE SIZE|+SIZE

Makes the file of a dynamic or differencing VHD or VHDX longer by zeros that no
block uses yet: the space in which the image can grow later without the file
system. SIZE is what it shall have of it at least, +SIZE what it shall have more.
What the disk contains does not change.

Ctrl-C leaves the file as it was. After a loss of power the part that was
written is reserve already: run it with SIZE then.

  -h, --help  this text

Example:
  vhdtool reserve /media/windows/vm/debian.vhdx 16G
)";

/// Returns what there is to say.
Attempt<std::string> reserve(const std::string& path, const std::string& size_text) {
  BlockFile image = TRY(BlockFile::open(path));
  const Interruption interruption;
  const std::uint64_t block = image.info().block_size;
  const std::uint64_t wanted = TRY(parse_new_size(size_text, image.free() * block));
  const std::uint64_t blocks = wanted / block + (wanted % block == 0 ? 0 : 1);
  const std::uint64_t more = blocks - std::min(blocks, image.free());
  if (more > 0) {
    TRY(image.lengthen(size_with_reserve(image.info(), image.file().size(), more)));
    if (image.is_vhdx()) static_cast<void>(TRY(attach_vhdx(image.file(), TRY(tool_guids()))));
  }
  const std::uint64_t has = std::max(blocks, image.free());
  return concat(more > 0 ? "the reserve has now " : "has a reserve of ", human_size(has * block), " for ", has,
                " blocks", more > 0 ? "" : " already");
}

}  // namespace

ExitStatus run_reserve(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {}, {"FILE", "SIZE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  if (const auto checked = parse_new_size(line.arguments[1], 0); !checked)
    return tools::wrong_usage(argv[0], checked.error().text);
  const auto done = reserve(path, line.arguments[1]);
  if (!done) return tools::failed(argv[0], path, done.error().error);
  tools::print(concat(printable(path), ": ", *done, '\n'));
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
