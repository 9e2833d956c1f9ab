// SPDX-License-Identifier: GPL-2.0-or-later
// EROFS: what is made of any tree is read again the same, or the tree is refused. The bytes say what is in it: folders,
// files of runs of blocks, links, attributes; also what is no tree.
#include <map>
#include <string>

#include "base/text.h"
#include "base/wire.h"
#include "init/tree/erofs.h"
#include "init/tree/folder_wire.h"
#include "tests/fuzz/check.h"
#include "tests/support/erofs_image.h"

namespace {
using namespace vhdboot;
using namespace vhdboot::tree;

constexpr std::uint64_t kPartitionBlocks = 16;
constexpr std::uint64_t kMaxBlocks = 64;  // of a file

struct Made {
  std::vector<Node> nodes;
  std::vector<std::string> contents;
};

// What a file of such runs has, on a partition whose blocks are of their own number.
std::string contents_of(const Node& node, std::size_t number) {
  std::string text;
  for (const Run& run : node.runs)
    for (std::uint64_t i = 0; i < run.blocks; ++i)
      text.append(kErofsBlock, run.kind == RunKind::Hole      ? '\0'
                               : run.kind == RunKind::InPlace ? static_cast<char>(run.block + i + 1)
                                                              : static_cast<char>(number + 'a'));
  text.resize(std::min<std::size_t>(text.size(), node.size));
  return text;
}

Made make(wire::Cursor& in) {
  constexpr std::uint32_t kTypes[] = {0100000, 0040000, 0120000, 0020000, 0060000, 0010000, 0140000};
  Made made{.nodes = {{.mode = 0040755}}, .contents = {""}};
  while (in.left() > 0 && made.nodes.size() < 200) {
    Node node;
    node.mode = kTypes[in.take<std::uint8_t>() % 7] | (in.take<std::uint16_t>() & 07777U);
    node.uid = in.take<std::uint8_t>();
    const std::size_t folder = in.take<std::uint8_t>() % made.nodes.size();
    const std::string name(as_text(in.take(in.take<std::uint8_t>() % 40)));
    if ((node.mode & 0170000) == 0100000) {
      std::uint64_t blocks = 0;
      for (unsigned left = in.take<std::uint8_t>() % 6; left > 0 && blocks < kMaxBlocks; --left) {
        Run run{.kind = static_cast<RunKind>(in.take<std::uint8_t>() % 3), .blocks = in.take<std::uint8_t>() % 9U};
        if (run.kind == RunKind::InPlace) run.block = in.take<std::uint8_t>() % (kPartitionBlocks - 8);
        blocks += run.blocks;
        node.runs.push_back(run);
      }
      const std::uint64_t shorter = in.take<std::uint16_t>() % (kErofsBlock + 9);
      // As runs_of() has it: what is not a whole block is not in place.
      const bool whole = !node.runs.empty() && node.runs.back().kind == RunKind::InPlace;
      node.size = blocks * kErofsBlock - std::min(whole ? 0 : shorter, blocks * kErofsBlock);
    }
    if ((node.mode & 0170000) == 0120000) node.target = std::string(in.take<std::uint16_t>() % 4200, 't');
    if (in.take<std::uint8_t>() % 3 == 0)
      node.attributes.push_back({"user." + std::string(as_text(in.take(in.take<std::uint8_t>() % 20))),
                                 std::vector<std::byte>(in.take<std::uint16_t>() % 6000)});
    made.nodes.push_back(node);
    made.nodes[folder].entries.push_back({name, made.nodes.size() - 1});
    if (in.take<std::uint8_t>() % 16 == 0)
      made.nodes[folder].entries.push_back({name + "2", in.take<std::uint8_t>() % (made.nodes.size() + 1)});
    made.contents.push_back(contents_of(made.nodes.back(), made.nodes.size()));
  }
  return made;
}

void compare(const std::map<std::string, test::ErofsFile>& files, const Made& made, std::size_t node,
             const std::string& path, std::size_t& seen) {
  ++seen;
  const auto file = files.find(path);
  check(file != files.end());
  check(file->second.mode == made.nodes[node].mode && file->second.uid == made.nodes[node].uid);
  const std::uint32_t type = file->second.mode & 0170000;
  if (type == 0100000) check(file->second.contents == made.contents[node]);
  if (type == 0120000) check(file->second.contents == made.nodes[node].target);
  for (const auto& attribute : made.nodes[node].attributes)
    if (can_hold(attribute.name)) check(file->second.attributes.contains(attribute.name));
  for (const DirectoryEntry& entry : made.nodes[node].entries)
    compare(files, made, entry.node, path.empty() ? entry.name : path + '/' + entry.name, seen);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  (void)decode_folder_answer(bytes);
  wire::Cursor in(bytes);
  const Made made = make(in);
  const auto erofs = Erofs::lay_out(made.nodes);
  if (!erofs) return 0;
  std::vector<std::byte> partition;
  for (std::uint64_t block = 0; block < kPartitionBlocks; ++block)
    partition.insert(partition.end(), kErofsBlock, static_cast<std::byte>(block + 1));
  test::ErofsImage image(std::move(partition));
  const auto to = [&](std::uint64_t offset, Bytes piece) {
    check(offset + piece.size() <= erofs->size());
    return image.write(offset, piece);
  };
  check(erofs->write(to).has_value());
  for (const Copy& copy : erofs->copies()) {
    check(copy.logical + copy.length <= made.contents[copy.node].size());
    check(to(copy.at, as_bytes(std::string_view(made.contents[copy.node]).substr(copy.logical, copy.length)))
              .has_value());
  }
  image.finish(erofs->size());
  const auto files = image.files();
  check(files.has_value());
  std::size_t seen = 0;
  compare(*files, made, 0, "", seen);
  check(seen == files->size());
  return 0;
}
