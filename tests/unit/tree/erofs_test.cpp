// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/tree/erofs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "base/text.h"
#include "tests/support/erofs_image.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::tree {
namespace {

using test::ErofsFile;
using test::ErofsImage;
using test::Fails;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t kFile = 0100644;
constexpr std::uint32_t kFolder = 0040755;
constexpr std::uint32_t kLink = 0120777;

using Runs = std::vector<Run>;
constexpr Run hole(std::uint64_t blocks) {
  return {.kind = RunKind::Hole, .blocks = blocks};
}
constexpr Run in_place(std::uint64_t blocks, std::uint64_t block) {
  return {.kind = RunKind::InPlace, .blocks = blocks, .block = block};
}
constexpr Run copied(std::uint64_t blocks) {
  return {.kind = RunKind::Copied, .blocks = blocks};
}

TEST(BlockRuns, WhatLiesInWholeBlocksStays) {
  const std::vector<Range> all{{0, 3 * kErofsBlock}};
  const std::vector<Extent> one{{0, 7 * kErofsBlock, 3 * kErofsBlock}};
  EXPECT_THAT(runs_of(3 * kErofsBlock, all, one), ElementsAre(in_place(3, 7)));
  // Neighbours in both are one; those that are so in one alone are two.
  const std::vector<Extent> two{{0, 7 * kErofsBlock, kErofsBlock}, {kErofsBlock, 8 * kErofsBlock, 2 * kErofsBlock}};
  EXPECT_THAT(runs_of(3 * kErofsBlock, all, two), ElementsAre(in_place(3, 7)));
  const std::vector<Extent> apart{{0, 9 * kErofsBlock, kErofsBlock}, {kErofsBlock, 2 * kErofsBlock, 2 * kErofsBlock}};
  EXPECT_THAT(runs_of(3 * kErofsBlock, all, apart), ElementsAre(in_place(1, 9), in_place(2, 2)));
}

TEST(BlockRuns, TheLastBlockIsCopiedUnlessTheFileEndsWithIt) {
  const std::vector<Range> all{{0, 2 * kErofsBlock + 1}};
  const std::vector<Extent> one{{0, 7 * kErofsBlock, 2 * kErofsBlock + 1}};
  EXPECT_THAT(runs_of(2 * kErofsBlock + 1, all, one), ElementsAre(in_place(2, 7), copied(1)));
  // Though the extent goes on to the end of its cluster.
  const std::vector<Extent> whole{{0, 7 * kErofsBlock, 3 * kErofsBlock}};
  EXPECT_THAT(runs_of(2 * kErofsBlock + 1, all, whole), ElementsAre(in_place(2, 7), copied(1)));
  EXPECT_THAT(runs_of(100, std::vector<Range>{{0, 100}}, whole), ElementsAre(copied(1)));
  EXPECT_THAT(runs_of(0, {}, {}), IsEmpty());
}

TEST(BlockRuns, WhatHasNoDataIsAHole) {
  EXPECT_THAT(runs_of(5 * kErofsBlock + 5, {}, {}), ElementsAre(hole(6)));
  const std::vector<Range> data{{0, kErofsBlock}, {4 * kErofsBlock + 10, 20}};
  const std::vector<Extent> extents{{0, 3 * kErofsBlock, kErofsBlock}, {4 * kErofsBlock, 9 * kErofsBlock, kErofsBlock}};
  EXPECT_THAT(runs_of(8 * kErofsBlock, data, extents), ElementsAre(in_place(1, 3), hole(3), copied(1), hole(3)));
  EXPECT_THAT(runs_of(8 * kErofsBlock, data, {}), ElementsAre(copied(1), hole(3), copied(1), hole(3)));
}

TEST(BlockRuns, WhatIsNotOnBlocksOfThePartitionIsCopied) {
  const std::vector<Range> all{{0, 4 * kErofsBlock}};
  EXPECT_THAT(runs_of(4 * kErofsBlock, all, std::vector<Extent>{{0, 512, 4 * kErofsBlock}}), ElementsAre(copied(4)));
  // In clusters of 512 bytes a block may lie in two pieces.
  const std::vector<Extent> pieces{{0, 8 * kErofsBlock, kErofsBlock + 512},
                                   {kErofsBlock + 512, 20 * kErofsBlock + 512, 3 * kErofsBlock - 512}};
  EXPECT_THAT(runs_of(4 * kErofsBlock, all, pieces), ElementsAre(in_place(1, 8), copied(1), in_place(2, 21)));
}

TEST(BlockRuns, WhatIsBehindTheValidLengthIsNotSeen) {
  // The valid data end in the second block, the clusters are five.
  const std::vector<Range> valid{{0, kErofsBlock + 7}};
  const std::vector<Extent> extents{{0, 8 * kErofsBlock, 5 * kErofsBlock}};
  EXPECT_THAT(runs_of(5 * kErofsBlock, valid, extents), ElementsAre(in_place(1, 8), copied(1), hole(3)));
}

/// A tree with the contents of its files, on a partition.
struct Made {
  std::vector<Node> nodes{{.mode = kFolder}};
  std::vector<std::string> contents{""};
  std::vector<std::byte> partition;

  std::size_t add(std::size_t folder, const std::string& name, Node node, std::string text = {}) {
    nodes.push_back(std::move(node));
    contents.push_back(std::move(text));
    nodes[folder].entries.push_back({name, nodes.size() - 1});
    return nodes.size() - 1;
  }
  /// A file of such runs, whose blocks in place are put where they lie.
  std::size_t file(std::size_t folder, const std::string& name, std::string text, std::vector<Run> runs) {
    std::uint64_t at = 0;
    for (const Run& run : runs) {
      const std::uint64_t length = run.blocks * kErofsBlock;
      if (run.kind == RunKind::InPlace) {
        partition.resize(std::max<std::size_t>(partition.size(), (run.block + run.blocks) * kErofsBlock));
        std::ranges::copy(as_bytes(std::string_view(text).substr(at, length)),
                          partition.begin() + static_cast<std::ptrdiff_t>(run.block * kErofsBlock));
      }
      at += length;
    }
    Node node{.mode = kFile, .uid = 1000, .gid = 100};
    node.size = text.size();
    node.runs = std::move(runs);
    return add(folder, name, std::move(node), std::move(text));
  }
  [[nodiscard]] std::optional<std::map<std::string, ErofsFile>> read() const {
    const auto erofs = Erofs::lay_out(nodes);
    if (!erofs) return std::nullopt;
    ErofsImage image(partition);
    const auto to = [&](std::uint64_t offset, Bytes bytes) {
      EXPECT_LE(offset + bytes.size(), erofs->size());
      return image.write(offset, bytes);
    };
    EXPECT_TRUE(erofs->write(to).has_value());
    for (const Copy& copy : erofs->copies())
      EXPECT_TRUE(to(copy.at, as_bytes(std::string_view(contents[copy.node]).substr(copy.logical, copy.length))));
    image.finish(erofs->size());
    return image.files();
  }
};

std::string random_text(std::size_t size, unsigned seed = 1) {
  std::mt19937 numbers(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(numbers() % 255 + 1);
  return text;
}

TEST(Erofs, HasAllKindsOfFiles) {
  Made made;
  Node device{.mode = 0060660, .uid = 0, .gid = 6, .device = {.major = 259, .minor = 1048575}};
  made.add(0, "disk", device);
  made.add(0, "fifo", {.mode = 0010600});
  made.add(0, "socket", {.mode = 0140666});
  Node link{.mode = kLink};
  link.target = "../a/b";
  made.add(0, "link", link);
  link.target = std::string(4095, 'l');
  made.add(0, "long link", link);
  const std::size_t folder = made.add(0, "folder", {.mode = 0041777, .uid = 4294967294, .gid = 5});
  Node file{.mode = 0104755, .links = 2, .modified = {.seconds = -5, .nanoseconds = 7}};
  file.size = 3;
  file.runs = {copied(1)};
  file.attributes = {{"security.capability", {std::byte{1}, std::byte{2}}}, {"user.n", {}}, {"odd", {std::byte{1}}}};
  const std::size_t number = made.add(folder, "file", file, "abc");
  made.nodes[folder].entries.push_back({"!", number});
  const auto files = made.read();
  ASSERT_TRUE(files);
  EXPECT_EQ(files->size(), 9U);
  EXPECT_EQ(files->at("disk").device, 0xFFF00000U | 259U << 8 | 0xFFU);
  EXPECT_EQ(files->at("disk").mode, 0060660U);
  EXPECT_EQ(files->at("fifo").mode, 0010600U);
  EXPECT_EQ(files->at("socket").mode, 0140666U);
  EXPECT_EQ(files->at("link").contents, "../a/b");
  EXPECT_EQ(files->at("long link").contents, link.target);
  EXPECT_EQ(files->at("folder").uid, 4294967294U);
  EXPECT_EQ(files->at("folder").links, 2U);
  EXPECT_EQ(files->at("").links, 3U);
  const ErofsFile& read = files->at("folder/file");
  EXPECT_EQ(read.contents, "abc");
  EXPECT_EQ(read.seconds, -5);
  EXPECT_EQ(read.nanoseconds, 7U);
  EXPECT_EQ(read.links, 2U);
  EXPECT_EQ(read.number, files->at("folder/!").number);
  EXPECT_THAT(read.attributes,
              testing::ElementsAre(testing::Pair("security.capability", "\x01\x02"), testing::Pair("user.n", "")));
}

TEST(Erofs, HasTheContentsWhereverTheyLie) {
  Made made;
  const std::string text = random_text(9 * kErofsBlock);
  for (const std::size_t size : {1UL, 4031UL, 4032UL, 4033UL, 4095UL, 4096UL}) {
    made.file(0, concat("copied ", size), text.substr(0, size), {copied(1)});
    made.file(0, concat("tail ", size), text.substr(0, 2 * kErofsBlock + size), {in_place(2, 4 * size), copied(1)});
    made.file(0, concat("more tail ", size), text.substr(0, 2 * kErofsBlock + size),
              {in_place(1, 4 * size + 2), copied(2)});
  }
  made.file(0, "whole", text, {in_place(9, 30'000)});
  made.file(0, "pieces", text, {in_place(3, 20'000), in_place(2, 20'010), in_place(4, 20'004)});
  made.file(0, "all copied", text, {copied(9)});
  std::string holes = text;
  std::fill(holes.begin() + kErofsBlock, holes.begin() + 3 * kErofsBlock, '\0');
  made.file(0, "holes", holes, {in_place(1, 25'000), hole(2), copied(2), in_place(4, 26'000)});
  made.file(0, "hole", std::string(3 * kErofsBlock + 9, '\0'), {hole(4)});
  made.file(0, "empty", "", {});
  const auto files = made.read();
  ASSERT_TRUE(files);
  for (const DirectoryEntry& entry : made.nodes[0].entries)
    EXPECT_EQ(files->at(entry.name).contents, made.contents[entry.node]) << entry.name;
}

TEST(Erofs, MapsLargeHolesInFewWords) {
  EXPECT_EQ(map_size({}), 0U);
  EXPECT_EQ(map_size(std::vector{in_place(5, 1)}), 0U);
  EXPECT_EQ(map_size(std::vector{in_place(5, 1), copied(1)}), 0U);
  EXPECT_EQ(map_size(std::vector{in_place(3, 1), hole(1), copied(1)}), 5 * 4U);
  EXPECT_EQ(map_size(std::vector{hole(1ULL << 20)}), 2 * 4U);
  EXPECT_EQ(map_size(std::vector{in_place(16, 1), hole((1ULL << 24) - 16)}), 4ULL << 20);
  Made made;
  std::string text = random_text(32 * kErofsBlock);
  std::fill(text.begin() + 16 * kErofsBlock, text.begin() + 24 * kErofsBlock, '\0');
  made.file(0, "chunks", text, {in_place(16, 40), hole(8), copied(8)});
  made.file(0, "last chunk cut off", text.substr(0, 29 * kErofsBlock + 5), {in_place(16, 80), hole(8), copied(6)});
  const auto files = made.read();
  ASSERT_TRUE(files);
  EXPECT_EQ(files->at("chunks").contents, text);
  EXPECT_EQ(files->at("last chunk cut off").contents, made.contents[2]);
}

TEST(Erofs, HasAnotherUuidWhenAFileHasAnotherPlace) {
  const auto uuid_of = [](const Runs& runs) {
    Made made;
    made.file(0, "a", random_text(40 * kErofsBlock), runs);
    made.file(0, "b", "b", {copied(1)});
    const auto erofs = Erofs::lay_out(made.nodes);
    std::vector<std::byte> uuid;
    EXPECT_TRUE(erofs->write([&](std::uint64_t offset, Bytes bytes) -> Result<void> {
      if (offset == 1024) uuid.assign(bytes.begin() + 48, bytes.begin() + 64);
      return {};
    }));
    return uuid;
  };
  EXPECT_EQ(uuid_of({in_place(40, 7)}), uuid_of({in_place(40, 7)}));
  EXPECT_NE(uuid_of({in_place(40, 7)}), uuid_of({in_place(21, 7), in_place(19, 70)}));
}

TEST(Erofs, FindsEveryNameOfALargeDirectory) {
  Made made;
  for (unsigned i = 0; i < 3000; ++i) made.file(0, concat(std::string(i % 230, 'n'), '!', i), concat(i), {copied(1)});
  made.file(0, std::string(255, 'x'), "longest", {copied(1)});
  made.file(0, "\x01", "before all others", {copied(1)});
  const auto files = made.read();
  ASSERT_TRUE(files);
  EXPECT_EQ(files->size(), made.nodes.size());
  for (const DirectoryEntry& entry : made.nodes[0].entries)
    EXPECT_EQ(files->at(entry.name).contents, made.contents[entry.node]);
}

TEST(Erofs, GoesAsDeepAsPathsDo) {
  Made made;
  std::size_t at = 0;
  for (unsigned i = 0; i < 2047; ++i) at = made.add(at, "d", {.mode = kFolder});
  made.file(at, "f", "deep", {copied(1)});
  const auto files = made.read();
  ASSERT_TRUE(files);
  EXPECT_EQ(files->rbegin()->second.contents, "deep");
  EXPECT_EQ(files->size(), 2049U);
}

TEST(Erofs, PacksTheEndsOfFilesClosely) {
  Made made;
  std::uint64_t bytes = 0;
  for (unsigned i = 0; i < 2000; ++i) {
    const std::size_t size = 1 + (i * 2654435761U) % 4000;
    bytes += 64 + size;
    made.file(0, concat(i), random_text(size, i), {copied(1)});
  }
  ASSERT_TRUE(made.read());
  const auto erofs = Erofs::lay_out(made.nodes);
  EXPECT_LT(erofs->size(), bytes + bytes / 8);
}

void expect_refused(const Made& made, std::string_view why) {
  EXPECT_THAT(Erofs::lay_out(made.nodes), Fails(Code::Corrupt, std::string(why)));
}

TEST(Erofs, RefusesWhatIsNoTree) {
  EXPECT_THAT(Erofs::lay_out({}), Fails(Code::Corrupt, "begins with a directory"));
  Made made;
  made.nodes[0].mode = kFile;
  expect_refused(made, "begins with a directory");
  for (const std::string& name : {std::string("."), std::string(".."), std::string(), std::string("a/b"),
                                  std::string("a\0b", 3), std::string(256, 'n')}) {
    made = {};
    made.file(0, name, "", {});
    expect_refused(made, "cannot be called");
  }
  made = {};
  made.file(0, "same", "", {});
  made.file(0, "same", "", {});
  expect_refused(made, "one name");
  made = {};
  made.nodes[0].entries = {{"a", 1}};
  expect_refused(made, "leads nowhere");
  made.nodes[0].entries = {{"a", 0}};
  expect_refused(made, "leads nowhere");
  made = {};
  made.nodes.push_back({.mode = kFile});
  expect_refused(made, "in no directory");
  made = {};
  const std::size_t twice = made.add(0, "a", {.mode = kFolder});
  made.nodes[0].entries.push_back({"b", twice});
  expect_refused(made, "in two places");
  // Two that lead to each other alone.
  made = {};
  made.nodes.push_back({.mode = kFolder});
  made.nodes.push_back({.mode = kFolder});
  made.nodes[1].entries = {{"other", 2}};
  made.nodes[2].entries = {{"other", 1}};
  expect_refused(made, "leads to itself");
  made = {};
  made.nodes[made.file(0, "file", "", {})].entries = {{"x", 1}};
  expect_refused(made, "only a directory");
}

TEST(Erofs, RefusesRunsThatAreNotTheFile) {
  for (const auto& runs : {Runs{}, Runs{copied(2)}, Runs{copied(0), copied(1)}, Runs{in_place(1, kMaxPartitionBlocks)},
                           Runs{in_place(UINT64_MAX, 1)}}) {
    Made made;
    Node node{.mode = kFile};
    node.size = 5;
    node.runs = runs;
    made.add(0, "file", node);
    EXPECT_THAT(Erofs::lay_out(made.nodes), Fails(Code::Corrupt, ""));
  }
}

TEST(Erofs, RefusesMoreThanMemoryIsFor) {
  Made made;
  Node node{.mode = kFile};
  node.size = kMaxErofsSize;
  node.runs = {copied(kMaxErofsSize / kErofsBlock)};
  made.add(0, "file", node);
  EXPECT_THAT(Erofs::lay_out(made.nodes), Fails(Code::Unsupported, "memory"));
}

TEST(Erofs, KnowsWhichAttributesItCanHold) {
  for (const char* name : {"user.x", "security.capability", "trusted.overlay.opaque", "system.posix_acl_access"})
    EXPECT_TRUE(can_hold(name)) << name;
  for (const char* name : {"user.", "", "user", "system.posix_acl_access2", "system.nfs4_acl", "security."})
    EXPECT_FALSE(can_hold(name)) << name;
}

}  // namespace
}  // namespace vhdboot::tree
