// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool create: a new fixed VHD, all of it really written. It is made beside its place under another name and gets
// its own one when it is complete: whatever happens, FILE is either right or not there.
#include <optional>
#include <string>

#include "base/size_text.h"
#include "base/text.h"
#include "init/sys/random.h"
#include "tools/common/creation_time.h"
#include "tools/common/file_extents.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/part_file.h"
#include "tools/vhdtool/progress_show.h"
#include "vhd/footer.h"
#include "vhd/refusal.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::tools;
using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool create FILE SIZE

Makes a fixed VHD with a disk of SIZE. Every block of the file is allocated, in
one piece if the file system has one, and written with zeros, as booting from
the file needs it. SIZE is a number of bytes, a multiple of 512, or 512M, 64G,
2T in powers of 1024; 2040G at most.

While it is made it has the name FILE.vhdtool-part. Ctrl-C removes that; what a
loss of power leaves of it is replaced by the next `vhdtool create` of FILE.

  -h, --help  this text

Example:
  vhdtool create /media/data/debian.vhd 64G
)";

constexpr char kThere[] = "it exists already; choose another name, or `vhdtool grow` it";

/// "in 1 piece"; empty where the file system cannot say.
std::string pieces(const SpaceFile& file) {
  const auto extents = file_extents(file.descriptor());
  if (!extents) return "";
  std::uint64_t count = 0;
  const FileExtent* last = nullptr;
  for (const FileExtent& extent : *extents) {
    if (last == nullptr || last->place.physical + last->place.length != extent.place.physical) ++count;
    last = &extent;
  }
  return concat(", in ", count, count == 1 ? " extent" : " extents");
}

Result<std::string> create(const std::string& path, std::uint64_t size) {
  const Footer footer = TRY(make_fixed_footer(size, TRY(sys::random_uuid()), creation_time()));
  if (is_there(path)) return fail(Code::Invalid, kThere);

  const Interruption interruption;
  SpaceFile file = TRY(SpaceFile::create(PartFile::part_path(path)));
  PartFile part(path);
  // Another one may have completed it just before this one got the name of the meantime.
  if (is_there(path)) return fail(Code::Invalid, kThere);
  const Range all{0, size + kFooterSize};
  if (const std::uint64_t room = TRY(file.room()); room < all.length)
    return fail(Code::Io, concat("its file system has room for ", human_size(room), " (", room, " bytes), ", all.length,
                                 " are needed"));
  TRY(file.reserve(all));
  {
    ProgressShow show(size);
    TRY(file.write_zeros({0, size}, Interruption::watch(show)));
  }
  const FooterBytes bytes = serialise(footer);
  TRY(file.write(size, bytes));
  TRY(file.sync());
  TRY(file.check_complete());
  std::string extents = pieces(file);
  TRY(part.become(path));
  return extents;
}

}  // namespace

ExitStatus run_create(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {}, {"FILE", "SIZE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  const auto size = parse_size(line.arguments[1]);
  if (!size) return tools::wrong_usage(argv[0], size.error().text);
  auto created = create(path, *size);
  if (!created) {
    Error& error = created.error();
    if (is_stop(error)) error.text = "stopped by a signal; nothing is left of it";
    return tools::failed(argv[0], path, error);
  }
  tools::print(concat(printable(path), ": a fixed VHD with a disk of ", human_size(*size), " (", *size, " bytes)",
                      *created, '\n'));
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
