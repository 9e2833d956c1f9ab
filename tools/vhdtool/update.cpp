// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool update: what has changed of a file comes from a web server (arrival.h).
#include <memory>
#include <string>

#include "base/text.h"
#include "init/arrive/hash_tree.h"
#include "tools/common/host_file.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/arrival.h"
#include "tools/vhdtool/children.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/part_file.h"
#include "tools/vhdtool/web_file.h"
#include "vhd/disk.h"

namespace vhdboot::vhdtool {
namespace {

using vhd::Attempt;

constexpr std::string_view kHelp = R"(Usage: vhdtool update URL FILE --root-hash HASH

Makes FILE the image that is at URL now, as `vhdtool fetch` would. Blocks that
FILE has already are taken from it, and only the others come from the server.
What was written to FILE since it came is not in the new one.

FILE stays as it is until the new file beside it, FILE.vhdtool-part, is complete
and right; then that takes its place. The volume needs room for both. Whatever
stops it: run it again to go on. It needs the program curl.

      --root-hash HASH  64 digits, that `vhdtool hashes` told
  -h, --help            this text

Example:
  vhdtool update http://server/debian.vhd /media/data/boot/debian.vhd \
    --root-hash 0f1e...
)";

Attempt<Arrived> update_file(const std::string& url, const std::string& path, const Sha256Digest& root) {
  const auto old = TRY(tools::HostFile::open(path, tools::Access::Change));
  // What is no image of ours is nobody's parent.
  if (const auto disk = vhd::open_disk(*old, path)) TRY(check_no_child(path, (*disk)->info()));
  return update(url, path, root, *old);
}

}  // namespace

ExitStatus run_update(int argc, char** argv) {
  const tools::CommandLine line =
      tools::read_command_line(argc, argv, {{.name = "root-hash", .has_value = true}}, {"URL", "FILE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& url = line.arguments[0];
  const std::string& path = line.arguments[1];
  if (const auto checked = check_address(url); !checked) return tools::wrong_usage(argv[0], checked.error().text);
  const auto root = arrive::parse_digest(line.value("root-hash"));
  if (!root) return tools::wrong_usage(argv[0], "which --root-hash? It has 64 digits, 0 to 9 and a to f");
  auto done = update_file(url, real_path(path), *root);
  if (!done) {
    Error& error = done.error().error;
    if (tools::is_stop(error)) error.text = "stopped by a signal, and is as it was; run it again to go on";
    return tools::failed(argv[0], path, error);
  }
  tools::print(done->was_there ? concat(printable(path), ": is up to date\n")
                               : concat(printable(path), ": ", human_size(done->size), " (", done->size, " bytes), ",
                                        human_size(done->moved), " of it came from the server\n"));
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
