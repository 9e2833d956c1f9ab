// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/hash_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "init/arrive/checked_digests.h"
#include "init/arrive/tree_builder.h"
#include "init/arrive/tree_digests.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::arrive {
namespace {

using test::Fails;

std::vector<std::byte> block_of(std::uint64_t number) {
  return std::vector<std::byte>(kBlock, static_cast<std::byte>(number % 251));
}

Salt salt_of_ab() {
  Salt salt;
  salt.fill(std::byte{0xAB});
  return salt;
}

struct Tree {
  std::vector<std::byte> file;
  Sha256Digest root{};
};

Tree tree_of(std::uint64_t blocks) {
  const TreeLayout layout = TreeLayout::of(blocks).value();
  Tree tree;
  tree.file = serialise({.data_blocks = blocks, .salt = salt_of_ab()});
  tree.file.resize(layout.blocks() * kBlock);
  std::vector<bool> written(layout.blocks());
  TreeBuilder builder(layout, salt_of_ab(), [&](std::uint64_t block, Bytes bytes) -> Result<void> {
    EXPECT_LT(block, layout.blocks());
    EXPECT_FALSE(written[block]);
    written[block] = true;
    std::ranges::copy(bytes, tree.file.begin() + static_cast<std::ptrdiff_t>(block * kBlock));
    return {};
  });
  for (std::uint64_t block = 0; block < blocks; ++block) EXPECT_TRUE(builder.add(block_of(block)));
  tree.root = builder.finish().value();
  EXPECT_EQ(std::ranges::count(written, true), layout.blocks() - 1);
  return tree;
}

// What `veritysetup format --salt=abab...` says of a file whose blocks are filled with their numbers.
TEST(HashTree, RootHashesOfVeritysetup) {
  for (const auto& [blocks, root] : {std::pair{1U, "dd2661f29736b994bb4d44940a72e328d0b56887df8761a1274e7d51cc525eed"},
                                     {2U, "566b29324e44c5ef1704b1e0a46fb7d4e52f7d29acdfa35620b71e5c93ab3d22"},
                                     {128U, "e80eab6ef027bcf3d0545a7ce3813aa4d773133efcfb2ec79e5d07165bea255b"},
                                     {129U, "9dc25b527d37c03cd1db20c64a3a3355605133b98147936afc77f8440e580546"},
                                     {300U, "2ee2943d173765bcb8df0109e3a9ffa68cf7b3d2907f473614ae9e347cec9c73"}})
    EXPECT_EQ(to_text(tree_of(blocks).root), root) << blocks;
}

TEST(HashTree, LayoutHasTheRootsLevelFirst) {
  using Levels = std::vector<Blocks>;
  const auto levels = [](std::uint64_t blocks) { return TreeLayout::of(blocks).value().levels(); };
  EXPECT_EQ(levels(1), Levels());
  EXPECT_EQ(levels(2), (Levels{{1, 1}}));
  EXPECT_EQ(levels(128), (Levels{{1, 1}}));
  EXPECT_EQ(levels(129), (Levels{{2, 2}, {1, 1}}));
  EXPECT_EQ(levels(16384), (Levels{{2, 128}, {1, 1}}));
  EXPECT_EQ(levels(16385), (Levels{{4, 129}, {2, 2}, {1, 1}}));
  EXPECT_EQ(TreeLayout::of(16385)->blocks(), 133);
  EXPECT_THAT(TreeLayout::of(0), Fails(Code::Unsupported, "not even one block"));
  EXPECT_TRUE(TreeLayout::of(kMostDataBlocks));
  EXPECT_THAT(TreeLayout::of(kMostDataBlocks + 1), Fails(Code::Unsupported, "64 TiB"));
}

TEST(HashTree, EachBlockIsWhatTheOneAboveSays) {
  for (const std::uint64_t blocks : {1U, 2U, 129U}) {
    const Tree tree = tree_of(blocks);
    const MemorySource source(tree.file);
    TreeDigests digests(TreeLayout::of(blocks).value(), tree.root, source);
    for (std::uint64_t block = 0; block < blocks; ++block)
      EXPECT_EQ(digests.of_data(block).value(), digest_of(salt_of_ab(), block_of(block)));
    EXPECT_FALSE(digests.of_data(blocks));
    const auto& levels = digests.layout().levels();
    for (std::size_t level = 0; level < levels.size(); ++level) {
      for (std::uint64_t block = 0; block < levels[level].count; ++block)
        EXPECT_EQ(digests.of_level(level, block).value(),
                  digest_of(salt_of_ab(), Bytes(tree.file).subspan((levels[level].first + block) * kBlock, kBlock)));
      EXPECT_FALSE(digests.of_level(level, levels[level].count));
    }
    EXPECT_FALSE(digests.of_level(levels.size(), 0));
  }
}

TEST(HashTree, AnUnfinishedTreeIsNoTree) {
  const TreeLayout layout = TreeLayout::of(2).value();
  TreeBuilder builder(layout, salt_of_ab(), [](std::uint64_t, Bytes) -> Result<void> { return {}; });
  EXPECT_TRUE(builder.add(block_of(0)));
  EXPECT_THAT(builder.finish(), Fails(Code::Invalid, "too few"));
  EXPECT_TRUE(builder.add(block_of(1)));
  EXPECT_THAT(builder.add(block_of(2)), Fails(Code::Invalid, "too many"));
}

TEST(HashTree, ASinkThatFailsEndsIt) {
  TreeBuilder builder(TreeLayout::of(1 + kDigestsPerBlock).value(), salt_of_ab(),
                      [](std::uint64_t, Bytes) -> Result<void> { return fail(Code::Io, "full"); });
  for (std::uint64_t block = 0; block + 1 < kDigestsPerBlock; ++block) EXPECT_TRUE(builder.add(block_of(block)));
  EXPECT_THAT(builder.add(block_of(0)), Fails(Code::Io, "full"));
}

TEST(Superblock, IsReadAsItWasWritten) {
  const Superblock superblock{.data_blocks = 12345, .salt = salt_of_ab()};
  const auto bytes = serialise(superblock);
  EXPECT_EQ(bytes.size(), kBlock);
  EXPECT_EQ(parse_superblock(bytes).value(), superblock);
  EXPECT_EQ(parse_superblock(Bytes(bytes).first(512)).value(), superblock);
}

TEST(Superblock, OfAnotherKindIsRefused) {
  const auto good = serialise({.data_blocks = 7, .salt = salt_of_ab()});
  EXPECT_THAT(parse_superblock(Bytes(good).first(511)), Fails(Code::Corrupt, "no hash tree"));
  EXPECT_THAT(parse_superblock({}), Fails(Code::Corrupt, "no hash tree"));
  EXPECT_THAT(parse_superblock(std::vector<std::byte>(kBlock)), Fails(Code::Corrupt, "no hash tree"));
  // Version, type, algorithm, both block sizes, length of the salt.
  for (const std::size_t place : {8U, 12U, 32U, 37U, 38U, 65U, 69U, 80U, 81U}) {
    auto bad = good;
    bad[place] ^= std::byte{0x40};
    EXPECT_THAT(parse_superblock(bad), Fails(Code::Unsupported, "another kind")) << place;
  }
  EXPECT_THAT(parse_superblock(serialise({.data_blocks = 0})), Fails(Code::Unsupported, "not even one"));
  EXPECT_THAT(parse_superblock(serialise({.data_blocks = ~0ULL})), Fails(Code::Unsupported, "64 TiB"));
}

TEST(Salt, StandsForTheSizeAndTheTail) {
  const std::vector<std::byte> tail(512, std::byte{1});
  EXPECT_EQ(salt_of(4608, tail), salt_of(4608, tail));
  EXPECT_NE(salt_of(4608, tail), salt_of(8704, tail));
  EXPECT_NE(salt_of(4608, tail), salt_of(4608, std::vector<std::byte>(512)));
  EXPECT_NE(salt_of(4608, tail), salt_of(4608, {}));
}

TEST(Digest, IsThatOfTheSaltAndTheBlock) {
  const Salt salt = salt_of(1, {});
  std::vector<std::byte> block(kBlock);
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::byte>(i * i / 7);
  for (const std::size_t size : {std::size_t{0}, kBlock - 1, kBlock}) {  // only whole blocks go through instructions
    Sha256 hash;
    hash.add(salt);
    hash.add(Bytes(block).first(size));
    EXPECT_EQ(digest_of(salt, Bytes(block).first(size)), hash.finish()) << size;
  }
}

TEST(Digest, AsText) {
  const std::string text = "00ff0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef0011223344aA";
  EXPECT_EQ(to_text(parse_digest(text).value()), "00ff0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef0011223344aa");
  EXPECT_FALSE(parse_digest(""));
  EXPECT_FALSE(parse_digest(text.substr(1)));
  EXPECT_FALSE(parse_digest(text + "0"));
  EXPECT_FALSE(parse_digest("g" + text.substr(1)));
  EXPECT_FALSE(parse_digest("0x" + text.substr(2)));
}

TEST(CheckedDigests, EachBlockOfTheTreeIsChecked) {
  constexpr std::uint64_t kBlocks = 20'000;  // three levels
  Tree tree = tree_of(kBlocks);
  const TreeLayout layout = TreeLayout::of(kBlocks).value();
  {
    const MemorySource file(tree.file);
    CheckedDigests digests(layout, salt_of_ab(), tree.root, file);
    for (std::uint64_t block = 0; block < kBlocks; block += 77)
      EXPECT_EQ(digests.of_data(block), digest_of(salt_of_ab(), block_of(block)));
    EXPECT_FALSE(digests.of_data(kBlocks));
  }
  for (const std::uint64_t damaged : {std::uint64_t{1}, layout.levels()[1].first, layout.levels()[0].first + 2}) {
    auto bytes = tree.file;
    bytes[damaged * kBlock] ^= std::byte{1};
    const MemorySource file(bytes);
    CheckedDigests digests(layout, salt_of_ab(), tree.root, file);
    EXPECT_THAT(digests.of_data(2 * kDigestsPerBlock), Fails(Code::Corrupt, "not that of its root hash"));
    EXPECT_THAT(digests.of_data(2 * kDigestsPerBlock), Fails(Code::Corrupt, "not that of its root hash"));
  }
  const MemorySource none(Bytes{});
  CheckedDigests one(TreeLayout::of(1).value(), salt_of_ab(), tree.root, none);
  EXPECT_EQ(one.of_data(0), tree.root);
}

}  // namespace
}  // namespace vhdboot::arrive
