// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool fetch: a file comes from a web server (arrival.h).
#include <string>

#include "base/text.h"
#include "init/arrive/block_map.h"
#include "init/arrive/hash_tree.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/arrival.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/part_file.h"
#include "tools/vhdtool/web_file.h"

namespace vhdboot::vhdtool {
namespace {

constexpr std::string_view kHelp = R"(Usage: vhdtool fetch [--boot-set] URL FILE --root-hash HASH

Brings the image at URL to FILE, from any web server that has it and, beside it,
URL.verity. `vhdtool hashes` made that one, and told HASH. Every block is checked
by it, so that it does not matter by which way they come: http or https. Blocks
of zeros are not asked for.

All of FILE is allocated and written with zeros before. Until it is complete and
right it has the name FILE.vhdtool-part. Whatever stops it, Ctrl-C, a network or
a machine that goes away: run it again to go on. It needs the program curl.

With --boot-set only what a boot needs comes, by the list URL.boot-set that
`vhdtool boot-set` makes: then FILE, a fixed VHD without its footer yet, can be
booted, with `source` and `root-hash` in its configuration, and the rest comes
while its system runs. Or by this command once more, without --boot-set: what the
system has written stays. FILE.map and FILE.verity belong to it until then.

      --boot-set        only what a boot needs
      --root-hash HASH  64 digits
  -h, --help            this text

Example:
  vhdtool fetch http://server/debian.vhd /media/data/boot/debian.vhd \
    --root-hash 0f1e...
)";

}  // namespace

ExitStatus run_fetch(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(
      argc, argv, {{.name = "boot-set"}, {.name = "root-hash", .has_value = true}}, {"URL", "FILE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& url = line.arguments[0];
  const std::string& path = line.arguments[1];
  if (const auto checked = check_address(url); !checked) return tools::wrong_usage(argv[0], checked.error().text);
  const auto root = arrive::parse_digest(line.value("root-hash"));
  if (!root) return tools::wrong_usage(argv[0], "which --root-hash? It has 64 digits, 0 to 9 and a to f");
  const bool goes_on = is_there(path) && is_there(arrive::map_path(path));
  if (is_there(path) && (!goes_on || line.has("boot-set")))
    return tools::failed(argv[0], path,
                         {Code::Invalid, 0,
                          goes_on ? "it has what a boot needs; leave out --boot-set to bring the rest"
                                  : "it exists already; choose another name, or `vhdtool update` it"});
  auto done = goes_on                ? fetch_rest(url, path, *root)
              : line.has("boot-set") ? fetch_boot_set(url, path, *root)
                                     : fetch(url, path, *root);
  if (!done) {
    Error& error = done.error().error;
    if (tools::is_stop(error)) error.text = "stopped by a signal; run it again to go on";
    return tools::failed(argv[0], path, error);
  }
  if (done->was_there) {
    tools::print(concat(printable(path), ": is complete\n"));
    return ExitStatus::Done;
  }
  tools::print(concat(printable(path), ": ", human_size(done->size), " (", done->size, " bytes), ",
                      human_size(done->moved), " of it came from the server\n"));
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
