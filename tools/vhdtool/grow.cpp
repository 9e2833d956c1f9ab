// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool grow: first the space, then the footer, then the partition table (vhd/growth.h).
#include <algorithm>
#include <memory>
#include <string>

#include "base/size_text.h"
#include "base/text.h"
#include "tools/common/creation_time.h"
#include "tools/common/host_file.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/children.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/progress_show.h"
#include "vhd/conversion.h"
#include "vhd/growth.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::tools;
using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool grow FILE SIZE|+SIZE

Makes the disk in the fixed VHD FILE larger: SIZE large, or by +SIZE. The new
space is allocated and written with zeros, then the footer is moved to the new
end, then the backup partition table of a GPT. UUID and creation time stay.
Partitions and file systems stay as they are: let the guest enlarge them.

Ctrl-C while the zeros are written leaves the file as it was. After a loss of
power run the same command again: it completes what was begun.

  -h, --help  this text

Example:
  vhdtool grow /media/data/debian.vhd +16G
)";

/// What has become of a file that had `size` bytes and got back the size that its footer names.
std::string restored_text(std::uint64_t size, std::uint64_t restored) {
  if (size == restored) return "the file is as it was";
  return concat("the ", size - restored, " bytes behind its footer were cut off, and the file has the ", restored,
                " bytes of its disk and footer");
}

/// The space behind the old footer, up to where the new one comes; a failure leaves the disk as it was before, and
/// nothing behind its footer.
Attempt<void> allocate(HostFile& file, const GrowthStart& start, std::uint64_t new_payload) {
  const std::uint64_t old_end = start.payload_size + kFooterSize;
  SpaceFile space = TRY(SpaceFile::reopen(file.descriptor()));
  const std::uint64_t had = TRY(space.allocated());
  const std::uint64_t had_size = TRY(space.size());
  const Range added{old_end, new_payload - old_end};
  // A part of it is there already after an interruption.
  const std::uint64_t present = had > old_end ? had - old_end : 0;
  const std::uint64_t needed = added.length + kFooterSize - std::min(present, added.length);
  if (const std::uint64_t room = TRY(space.room()); room < needed)
    return refuse(Reason::NoRoom, concat("its file system has room for ", human_size(room), " (", room, " bytes), ",
                                         needed, " are needed"));
  const auto fill = [&]() -> Result<void> {
    if (TRY(space.size()) > new_payload) TRY(space.resize(new_payload));
    TRY(space.reserve({old_end, added.length + kFooterSize}));
    {
      ProgressShow show(added.length);
      TRY(space.write_zeros(added, Interruption::watch(show)));
    }
    TRY(space.sync());
    for (const Range& hole : TRY(space.missing()))
      if (hole.end() > old_end)
        return fail(Code::Unsupported, concat("its file system left a hole at byte ", hole.offset,
                                              " although zeros were written there: use another file system"));
    return {};
  };
  auto filled = fill();
  if (!filled) {
    Error error = std::move(filled).error();
    auto restored = space.resize(old_end);
    if (restored) restored = space.sync();
    error.text = is_stop(error) ? "stopped by a signal" : error.message();
    if (!is_stop(error)) error.sys_errno = 0;  // it is in the text now
    if (!restored)
      error.text += concat("; the file could not get its old size back: ", restored.error().message());
    else
      error.text += concat("; ", restored_text(had_size, old_end));
    return std::unexpected(std::move(error));
  }
  TRY(file.reload_size());
  return {};
}

/// What was left to do behind a footer that is right.
Attempt<void> finish(HostFile& file, const std::string& path) {
  ConversionOptions options;
  options.now = creation_time();
  options.relocate_gpt = true;
  options.file_name = path;
  TRY(convert(file, TRY(plan_conversion(file, options))));
  return {};
}

std::string completed(std::uint64_t size) {
  return concat("completed what was begun: a disk of ", human_size(size), " (", size, " bytes)");
}

/// Returns what there is to say.
Attempt<std::string> grow(const std::string& path, const std::string& size_text) {
  const auto file = TRY(HostFile::open(path, Access::Change));
  GrowthStart start = TRY(find_growth_start(*file, path));
  DiskInfo info;
  info.link_id = start.footer.uuid;
  TRY(check_no_child(path, info));
  const bool relative = size_text.starts_with('+');
  const std::uint64_t wanted = TRY(parse_new_size(size_text, start.payload_size));
  const Interruption interruption;
  if (relative && !start.interrupted) {
    const std::uint64_t growth = wanted - start.payload_size;
    if (growth < start.payload_size && is_unfinished_growth(*file, start, start.payload_size - growth)) {
      const std::uint64_t reached = start.payload_size;
      start.payload_size -= growth;
      TRY(write_growth(*file, start, reached));
      return completed(reached);
    }
  }
  if (wanted == start.payload_size && !start.interrupted) {
    if (!TRY(unfinished_growths(*file, start)).empty()) {
      TRY(write_growth(*file, start, wanted));
      return completed(wanted);
    }
    TRY(finish(*file, path));
    return concat("has a disk of ", human_size(wanted), " (", wanted, " bytes) already");
  }
  TRY(check_growth(*file, start, wanted));
  TRY(allocate(*file, start, wanted));
  TRY(write_growth(*file, start, wanted));
  return concat("the disk has now ", human_size(wanted), " (", wanted, " bytes), ", wanted - start.payload_size,
                " more");
}

}  // namespace

ExitStatus run_grow(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {}, {"FILE", "SIZE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  if (const auto checked = parse_new_size(line.arguments[1], 0); !checked)
    return tools::wrong_usage(argv[0], checked.error().text);
  const auto grown = grow(path, line.arguments[1]);
  if (!grown) return tools::failed(argv[0], path, grown.error().error);
  tools::print(concat(printable(path), ": ", *grown, '\n'));
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
