// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool hashes: the hash tree of a file, beside it, for those who fetch it.
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/units.h"
#include "init/arrive/hash_tree.h"
#include "init/arrive/tree_builder.h"
#include "tools/common/host_file.h"
#include "tools/common/options.h"
#include "tools/common/output.h"
#include "tools/common/space_file.h"
#include "tools/vhdtool/arrival.h"
#include "tools/vhdtool/commands.h"
#include "tools/vhdtool/interruption.h"
#include "tools/vhdtool/part_file.h"
#include "tools/vhdtool/progress_show.h"

namespace vhdboot::vhdtool {
namespace {

using namespace vhdboot::arrive;
using tools::Access;
using tools::HostFile;
using tools::SpaceFile;
using vhd::Attempt;

constexpr std::string_view kHelp = R"(Usage: vhdtool hashes FILE

Writes FILE.verity, a tree of the SHA-256 of every block of FILE, and prints its
root hash, 64 digits that stand for all of FILE. Put both files on a web server;
who has the root hash brings the file to his machine by `vhdtool fetch`, and can
be sure that it is this one.

The same file has the same root hash each time. The tree is one of dm-verity:
`veritysetup verify FILE FILE.verity ROOT-HASH` takes it. A FILE.verity that is
there is replaced.

  -h, --help  this text

Example:
  vhdtool hashes debian.vhd
)";

Result<Sha256Digest> write_tree(const HostFile& file, SpaceFile& tree) {
  const TreeLayout layout = TRY(TreeLayout::of(file.size() / kBlock));
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.size() % kBlock));
  TRY(file.read(file.size() - bytes.size(), bytes));
  const Superblock superblock{.data_blocks = layout.data_blocks(), .salt = salt_of(file.size(), bytes)};
  TRY(tree.write(0, serialise(superblock)));
  TreeBuilder builder(layout, superblock.salt,
                      [&](std::uint64_t block, Bytes written) { return tree.write(block * kBlock, written); });
  const std::uint64_t end = layout.data_blocks() * kBlock;
  ProgressShow show(end);
  const auto watch = Interruption::watch(show);
  bytes.resize(kMiB);
  for (std::uint64_t at = 0; at < end;) {
    const auto chunk = MutableBytes(bytes).first(static_cast<std::size_t>(std::min<std::uint64_t>(kMiB, end - at)));
    TRY(file.read(at, chunk));
    for (std::size_t block = 0; block < chunk.size(); block += kBlock) TRY(builder.add(chunk.subspan(block, kBlock)));
    at += chunk.size();
    if (!watch(chunk.size())) return std::unexpected(tools::stop_error());
  }
  return builder.finish();
}

struct stat status_of(const HostFile& file) {
  struct stat status{};
  static_cast<void>(::fstat(file.descriptor(), &status));
  return status;
}

Attempt<Sha256Digest> make_hashes(const std::string& path) {
  const auto file = TRY(HostFile::open(path, Access::Read));
  const struct stat before = status_of(*file);
  const std::string target = tree_path(path);
  const Interruption interruption;
  SpaceFile tree = TRY(SpaceFile::create(PartFile::part_path(target)));
  PartFile part(target);
  const Sha256Digest root = TRY(write_tree(*file, tree));
  TRY(tree.sync());
  const struct stat after = status_of(*file);
  if (after.st_size != before.st_size || after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
      after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
    return refuse(vhd::Reason::InUse, "it was changed while it was read: run it again");
  if (std::rename(part.path().c_str(), target.c_str()) != 0)
    return fail_errno("giving " + printable(target) + " its name");
  part.keep();
  TRY(sync_folder_of(target));
  return root;
}

}  // namespace

ExitStatus run_hashes(int argc, char** argv) {
  const tools::CommandLine line = tools::read_command_line(argc, argv, {}, {"FILE"}, kHelp);
  if (line.status) return *line.status;
  const std::string& path = line.arguments[0];
  auto root = make_hashes(path);
  if (!root) {
    Error& error = root.error().error;
    if (tools::is_stop(error)) error.text = "stopped by a signal; nothing is left of its tree";
    return tools::failed(argv[0], path, error);
  }
  tools::print(to_text(*root) + '\n');
  return ExitStatus::Done;
}

}  // namespace vhdboot::vhdtool
