// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool delete: a snapshot that nothing stands on goes.
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/text.h"
#include "tools/common/host_file.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/vhdtool/children.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/merge_mark.h"
#include "tools/vhdtool/part_file.h"
#include "vhd/disk.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::tools;
using namespace vhdboot::vhd;

constexpr std::string_view kHelp = R"(Usage: vhdtool delete FILE

Removes the snapshot FILE of an image, as debian.try.vhdx beside debian.vhdx, on
which no other differencing image stands: what was written to it is gone, its
parent and all others stay. Nothing may have FILE open.

It refuses a file that another one needs: `vhdtool commit` merges that one into
it, `vhdtool rollback` empties that one. It refuses an image itself, which
`vhdtool rollback` makes read as its parent again, and every file that is no
differencing image, as that is a disk of its own.

  -h, --help  this text

Example:
  vhdtool delete /media/data/debian.try.vhdx
)";

// "/a/debian.vhdx" of "/a/debian.try.vhdx".
std::optional<std::string> image_of(const std::string& path) {
  const std::size_t name = path.rfind('/') + 1;
  const std::size_t extension = path.rfind('.');
  if (extension == std::string::npos || extension <= name) return std::nullopt;
  const std::size_t dot = path.rfind('.', extension - 1);
  if (dot == std::string::npos || dot <= name) return std::nullopt;
  return path.substr(0, dot) + path.substr(extension);
}

// What there is to say.
Attempt<std::string> remove(const std::string& path) {
  const auto file = TRY(HostFile::open(path, Access::Read));
  const auto disk = TRY(open_disk(*file, path));
  const DiskInfo& info = disk->info();
  TRY_IN("another image may need it, which `vhdtool commit` merges into it and `vhdtool rollback` empties",
         check_no_child(path, info));
  if (!info.differencing)
    return fail(Code::Unsupported, concat("it is a ", describe(info),
                                          ", no differencing image but a disk of its own: remove it yourself if nobody "
                                          "needs it"));
  const auto image = image_of(path);
  if (!image || !is_there(*image))
    return fail(Code::Unsupported,
                "it is an image itself, not a snapshot beside one: `vhdtool rollback` makes it read as "
                "its parent again; remove it yourself if nothing boots it");
  const std::string program = path.substr(0, path.rfind('.')) + ".efi";
  if (is_there(program)) return fail(Code::Unsupported, concat(printable(program), " boots it: remove that first"));
  if (const MergeMark mark(path); TRY(mark.parent()))
    return fail(Code::Unsafe,
                concat("a merge of it into its parent was begun, which has a part of both now: complete it "
                       "with `vhdtool commit \"",
                       printable(path), "\"`"));
  if (::unlink(path.c_str()) != 0) return std::unexpected(Refusal(sys_error("removing it", errno)));
  TRY(sync_folder_of(path));
  return std::string("removed; what is below it stays");
}

}  // namespace

ExitStatus run_delete(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {}, {"FILE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  const auto done = remove(real_path(path));
  if (!done) return tools::failed(argv[0], path, done.error().error);
  tools::print(concat(printable(path), ": ", *done, '\n'));
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
