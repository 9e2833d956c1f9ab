// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool reblock: a new block table for smaller blocks (vhd/reblock.h).
#include <string>

#include "base/text.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdtool/block_file.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/interruption.h"
#include "vhd/provision.h"
#include "vhd/reblock.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool reblock FILE

Makes a VHDX of larger blocks one of 1 MiB blocks, by a new block table alone:
what is in the file stays where it is. Small blocks waste less when the image
grows, and vhdboot can only let those of 4 MiB at most grow.

Whenever it is interrupted, the old table counts or the new one; run it again.

  -h, --help  this text

Example:
  vhdtool reblock /media/windows/vm/debian.vhdx
)";

/// Returns what there is to say.
Attempt<std::string> reblock_file(const std::string& path) {
  BlockFile image = TRY(BlockFile::open(path));
  if (!image.is_vhdx()) return refuse(Reason::OtherFormat, concat("it is a ", describe(image.info()), ", not a VHDX"));
  const Interruption interruption;
  // The table of a file with a log is that of a replayed one. A run that was killed may have left its own.
  if (image.info().log_dirty) static_cast<void>(TRY(attach_vhdx(image.file(), TRY(tool_guids()))));
  if (image.info().block_size == kReblockedSize) return std::string("has blocks of 1 MiB already");
  const VhdxTable table = TRY(read_vhdx_table(image.file()));
  const std::uint64_t size = TRY(reblocked_table_size(table));
  const std::uint64_t end = align_up(image.file().size(), kMiB);
  const auto place = table.places.find(size, 0);
  TRY(image.lengthen(place ? end : end + size));
  TRY(reblock(image.file(), *TRY(image.vhdx_writer())));
  return concat("has blocks of 1 MiB now, before of ", human_size(image.info().block_size));
}

}  // namespace

ExitStatus run_reblock(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {}, {"FILE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  const auto done = reblock_file(path);
  if (!done) return tools::failed(argv[0], path, done.error().error);
  tools::print(concat(printable(path), ": ", *done, '\n'));
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
