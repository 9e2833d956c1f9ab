// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool desparse: gives every byte of a file a place of its own on the disk.
#include <sys/xattr.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "tools/common/host_file.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/options.h"
#include "tools/vhdtool/output.h"
#include "tools/vhdtool/progress_show.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::tools;
using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool desparse FILE

Fills the holes of the image FILE with zeros that have a place on the disk, and
on NTFS removes the sparse attribute, in place. What the file contains does not
change. It takes as long as the holes are large. Ctrl-C may stop it at any time;
run it again to go on.

  -h, --help  this text

Example:
  vhdtool desparse /media/windows/vm/debian.vhd
)";

constexpr std::string_view kGoOn = "stopped by a signal; run it again to go on";

std::string filled_text(std::uint64_t bytes) {
  return concat(human_size(bytes), " (", bytes, " bytes) filled");
}

/// The file attribute that both NTFS drivers of Linux show, in the machine's byte order.
constexpr const char* kNtfsAttributes = "system.ntfs_attrib";
constexpr std::uint32_t kSparseAttribute = 0x200;

bool has_sparse_attribute(int fd, std::uint32_t& attributes) {
  return ::fgetxattr(fd, kNtfsAttributes, &attributes, sizeof attributes) == sizeof attributes &&
         (attributes & kSparseAttribute) != 0;
}

/// What a person has to do about the attribute; empty when it is gone or never was.
std::string clear_sparse_attribute(int fd) {
  std::uint32_t attributes = 0;
  if (!has_sparse_attribute(fd, attributes)) return "";
  attributes &= ~kSparseAttribute;
  // A driver may say yes and do nothing.
  static_cast<void>(::fsetxattr(fd, kNtfsAttributes, &attributes, sizeof attributes, 0));
  if (!has_sparse_attribute(fd, attributes)) return "";
  return "; the driver keeps its sparse attribute: in Windows run \"fsutil sparse setflag FILE 0\"";
}

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
    TRY(file.reserve(hole));
    TRY(file.write_zeros(hole, watch));
  }
  return {};
}

/// Returns what there is to say.
Attempt<std::string> desparse_file(const std::string& path) {
  const auto guard = TRY(HostFile::open(path, Access::Change));
  SpaceFile file = TRY(SpaceFile::reopen(guard->descriptor()));
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
  TRY(file.sync());
  const bool complete = TRY(file.missing()).empty();
  const std::uint64_t has = TRY(file.allocated());
  if (!complete || has < size)
    return fail(Code::Unsupported,
                concat("its file system keeps only ", has, " of ", size,
                       " bytes although zeros were written: it compresses, so copy the file to another one"));
  return text + clear_sparse_attribute(file.descriptor());
}

}  // namespace

ExitStatus run_desparse(int argc, char** argv) {
  const CommandLine line = read_command_line(argc, argv, {}, {"FILE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  auto done = desparse_file(path);
  if (!done) {
    Error& error = done.error().error;
    if (is_stop(error) && error.text == stop_error().text) error.text = kGoOn;
    return failed(argv[0], path, error);
  }
  print(concat(printable(path), ": ", *done, '\n'));
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
