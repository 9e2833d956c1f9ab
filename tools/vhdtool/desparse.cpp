// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool desparse: gives every byte of a file a place of its own on the disk.
#include <sys/xattr.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "tools/common/host_file.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/progress_show.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::tools;
using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool desparse FILE

Fills the holes of the image FILE with zeros that have a place on the disk, and
on NTFS removes the sparse attribute, in place. What the file contains does not
change. It takes as long as the holes are large; a driver that does not tell
where they are (ntfs-3g) lets it read the whole file. Ctrl-C may stop it at any
time; run it again to go on.

Exit status 4: no holes are left, but the driver (ntfs3) keeps the attribute.

  -h, --help  this text

Example:
  vhdtool desparse /media/windows/vm/debian.vhd
)";

constexpr std::string_view kGoOn = "stopped by a signal; run it again to go on";

std::string filled_text(std::uint64_t bytes) {
  return concat(human_size(bytes), " (", bytes, " bytes) filled");
}

/// Whether the attribute is gone, or never was. A driver may say yes and do nothing; ntfs3 refuses.
bool clear_sparse_attribute(const SpaceFile& file) {
  std::uint32_t attributes = file.ntfs_attributes();
  if ((attributes & kNtfsSparse) == 0) return true;
  attributes &= ~kNtfsSparse;
  static_cast<void>(::fsetxattr(file.descriptor(), kNtfsAttributes, &attributes, sizeof attributes, 0));
  return (file.ntfs_attributes() & kNtfsSparse) == 0;
}

constexpr std::string_view kAttributeStays =
    "it is still marked as sparse, which this driver cannot change and vhdboot does not mind; Windows clears the mark "
    "with \"fsutil sparse setflag FILE 0\"";

std::uint64_t total(const std::vector<Range>& ranges) {
  std::uint64_t bytes = 0;
  for (const Range& range : ranges) bytes += range.length;
  return bytes;
}

Attempt<void> check_room(const SpaceFile& file, std::uint64_t needed) {
  const std::uint64_t room = TRY(file.room());
  if (room >= needed) return {};
  return refuse(Reason::NoRoom, concat("its file system has room for ", human_size(room), " (", room, " bytes), ",
                                       needed, " are needed"));
}

Result<void> fill_holes(SpaceFile& file, const std::vector<Range>& holes) {
  ProgressShow show(total(holes));
  const Watch watch = Interruption::watch(show);
  for (const Range& hole : holes) {
    TRY(file.check_zeros(hole));
    TRY(file.reserve(hole));
    TRY(file.write_zeros(hole, watch));
  }
  return {};
}

/// What lies behind the valid data length, of which only some drivers tell.
Result<void> write_unwritten(SpaceFile& file) {
  if (file.knows_unwritten()) return {};
  ProgressShow show(TRY(file.size()));
  return file.touch(Interruption::watch(show));
}

struct Outcome {
  std::string text;  ///< what there is to say
  bool still_sparse = false;
};

Attempt<Outcome> desparse_file(const std::string& path) {
  const auto guard = TRY(HostFile::open(path, Access::Change));
  SpaceFile file = TRY(SpaceFile::reopen(guard->descriptor()));
  TRY(file.check_attributes());
  const Interruption interruption;
  TRY(file.sync());  // what waits in the page cache has no place yet and would count as a hole
  const std::uint64_t size = TRY(file.size());
  const std::uint64_t had = TRY(file.allocated());
  std::string text = "has no holes";
  if (const auto holes = TRY(file.missing()); !holes.empty()) {
    // Space that was reserved and never written needs none any more.
    TRY(check_room(file, had < size ? std::min(total(holes), size - had) : 0));
    TRY(fill_holes(file, holes));
    text = filled_text(total(holes));
  } else if (had < size) {
    // The driver (ntfs-3g is one) knows that there are holes and does not say where.
    TRY(check_room(file, size - had));
    ProgressShow show(size);
    TRY(file.rewrite_zeros(Interruption::watch(show)));
    text = filled_text(size - had);
  }
  TRY(write_unwritten(file));
  TRY(file.sync());
  const bool complete = TRY(file.missing()).empty();
  const std::uint64_t has = TRY(file.allocated());
  if (!complete || has < size)
    return fail(Code::Unsupported,
                concat("its file system keeps only ", has, " of ", size,
                       " bytes although zeros were written: it compresses, so copy the file to another one"));
  const bool cleared = clear_sparse_attribute(file);
  TRY(file.sync());
  return Outcome{text, !cleared};
}

}  // namespace

ExitStatus run_desparse(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {}, {"FILE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  auto done = desparse_file(path);
  if (!done) {
    Error& error = done.error().error;
    if (is_stop(error) && error.text == stop_error().text) error.text = kGoOn;
    return tools::failed(argv[0], path, error);
  }
  tools::print(concat(printable(path), ": ", done->text, '\n'));
  if (!done->still_sparse) return ExitStatus::Done;
  tools::warn(argv[0], path, kAttributeStays);
  return ExitStatus::Warnings;
}

}  // namespace vhdboot::vhdtool
