// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/pieces.h"

#include <random>

#include "tests/support/piece_check.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/vhd/chain_images.h"

namespace vhdboot::vhd {
namespace {

using test::Fails;
using test::Held;
using test::ImageSpec;
using test::SparseFile;
using ::testing::ElementsAre;

// A guid for each image of a chain.
Guid id_of(unsigned number) {
  Guid id = test::kDiskUuid;
  id.bytes[0] = static_cast<std::byte>(number);
  return id;
}

// Files of a chain, the image first; each parent is called by its number.
struct Chain {
  std::vector<SparseFile> files;

  [[nodiscard]] Result<std::unique_ptr<Disk>> open() const {
    return open_disk(files.front(), "image", [this](std::string_view, std::string_view path) -> Result<OpenedFile> {
      const SparseFile& file = files.at(parse_u64(path).value());
      return OpenedFile{std::string(path), std::make_unique<SliceSource>(file, 0, file.size()), std::nullopt};
    });
  }

  // The pieces, once they are compared with what is read: of each `cap` bytes at both ends.
  [[nodiscard]] std::vector<DiskPiece> pieces(std::uint64_t cap = UINT64_MAX) const {
    const auto disk = open();
    EXPECT_TRUE(disk) << disk.error().message();
    if (!disk) return {};
    auto found = pieces_of(**disk);
    EXPECT_TRUE(found) << found.error().message();
    if (!found) return {};
    std::vector<const ByteSource*> sources;
    for (const SparseFile& file : files) sources.push_back(&file);
    EXPECT_EQ(test::piece_fault(**disk, *found, sources, cap), "");
    return *std::move(found);
  }
};

DiskPiece zeros(std::uint64_t start, std::uint64_t length) {
  return {start, length, std::nullopt, 0};
}

SparseFile fixed_vhd(std::uint64_t size, unsigned number, std::uint64_t every = 1) {
  SparseFile file(size);
  for (std::uint64_t sector = 0; sector < size / 512; sector += every)
    file.put(sector * 512, test::marked_sector('f', sector));
  file.put(size, serialise(*make_fixed_footer(size, id_of(number), 0)));
  return file;
}

TEST(Pieces, AFlatImageIsOne) {
  SparseFile raw(64 * kKiB);
  raw.put(4096, "something");
  EXPECT_THAT((Chain{{raw}}.pieces()), ElementsAre(DiskPiece{0, 64 * kKiB, 0, 0}));
  EXPECT_THAT((Chain{{fixed_vhd(64 * kKiB, 0)}}.pieces()), ElementsAre(DiskPiece{0, 64 * kKiB, 0, 0}));
}

TEST(Pieces, BlocksOfAVhdx) {
  for (const std::uint64_t block : {kMiB, 2 * kMiB, 32 * kMiB}) {
    ImageSpec spec{.disk = 8 * block + 512, .block = block, .every = block / kMiB * 8};
    // Neighbours on the disk that are none in the file, and the last block, which is short.
    spec.blocks = {{1, {}}, {2, {}}, {5, {}}, {8, {}}};
    spec.states = {{0, 1}, {4, 2}, {6, 3}, {7, 5}};
    const std::uint64_t at = 4 * kMiB;
    EXPECT_THAT((Chain{{test::vhdx_of(spec)}}.pieces(256 * kKiB)),
                ElementsAre(zeros(0, block), DiskPiece{block, block, 0, at + 3 * block},
                            DiskPiece{2 * block, block, 0, at + 2 * block}, zeros(3 * block, 2 * block),
                            DiskPiece{5 * block, block, 0, at + block}, zeros(6 * block, 2 * block),
                            DiskPiece{8 * block, 512, 0, at}))
        << block;
  }
}

TEST(Pieces, SectorsOfADynamicVhd) {
  ImageSpec spec{.disk = 3 * kMiB, .block = 512 * kKiB};
  spec.blocks = {{1, {}}, {3, [](std::uint64_t sector) { return sector >= 8 && sector != 100; }}};
  EXPECT_THAT(
      (Chain{{test::vhd_of(spec)}}.pieces()),
      ElementsAre(
          zeros(0, 512 * kKiB), DiskPiece{512 * kKiB, 512 * kKiB, 0, 64 * kKiB + 512}, zeros(kMiB, 512 * kKiB + 4096),
          DiskPiece{3 * 512 * kKiB + 4096, 92 * 512, 0, 576 * kKiB + 1024 + 4096}, zeros(3 * 512 * kKiB + 51200, 512),
          DiskPiece{3 * 512 * kKiB + 51712, 512 * kKiB - 51712, 0, 576 * kKiB + 1024 + 51712}, zeros(2 * kMiB, kMiB)));
}

TEST(Pieces, AFullImageInOrderIsOne) {
  SparseFile file = test::vhdx();
  for (std::uint64_t block = 0; block < 4; ++block)
    test::put_le<std::uint64_t>(file, test::kVhdxBat + 8 * block, (4 + block) * kMiB | 6);
  file.put(8 * kMiB - 1, "x");
  EXPECT_THAT((Chain{{file}}.pieces()), ElementsAre(DiskPiece{0, 4 * kMiB, 0, 4 * kMiB}));
}

// Every kind of block, in chains of five.
TEST(Pieces, ChainsOfFive) {
  std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
  const auto chance = [&](unsigned of) { return random() % of == 0; };
  for (const bool is_vhdx : {true, false}) {
    Chain chain;
    const std::uint64_t block = is_vhdx ? kMiB : 512 * kKiB;
    const std::uint64_t disk = 9 * block + 5 * 4096;
    for (unsigned image = 0; image < 5; ++image) {
      const bool is_base = image == 4;
      if (is_base && !is_vhdx) {
        chain.files.push_back(fixed_vhd(disk, image, 16));
        break;
      }
      ImageSpec spec{.disk = disk, .block = block, .id = id_of(image), .every = 16};
      spec.mark = static_cast<char>('a' + image);
      spec.path = concat(image + 1);
      if (!is_base) spec.parent = id_of(image + 1);
      for (std::uint64_t number = 0; number < 10; ++number) {
        // The last blocks are in one image each, whatever else there is.
        if (is_base || number == 5 + image)
          spec.blocks[number] = {};
        else if (number < 5 && chance(2))
          spec.blocks[number] = [salt = random()](std::uint64_t sector) { return (sector * salt >> 5) % 7 < 3; };
        else if (number < 5 && chance(8))
          spec.states[number] = 2;
      }
      chain.files.push_back(is_vhdx ? test::vhdx_of(spec) : test::vhd_of(spec));
    }
    const auto pieces = chain.pieces();
    EXPECT_GT(pieces.size(), 1000U);
    for (std::uint32_t file = 0; file < 5; ++file)
      EXPECT_TRUE(std::ranges::any_of(pieces, [&](const DiskPiece& piece) { return piece.file == file; })) << file;
  }
}

// Of a sector bitmap a page stands for 16 MiB.
TEST(Pieces, ASectorBitmapIsReadByThePage) {
  ImageSpec spec{.disk = 34 * kMiB, .block = kMiB, .id = id_of(0), .parent = id_of(1), .path = "1", .every = 64};
  for (const std::uint64_t block : {0, 14, 15, 16, 17, 31, 32})
    spec.blocks[block] = [](std::uint64_t sector) { return sector % 11 < 5; };
  const Chain chain{{test::vhdx_of(spec), test::vhdx_of({.disk = 34 * kMiB, .block = kMiB, .id = id_of(1)})}};
  EXPECT_GT(chain.pieces(512).size(), 2000U);
  const auto disk = chain.open();
  ASSERT_TRUE(disk);
  const std::size_t before = chain.files.front().reads;
  ASSERT_TRUE(pieces_of(**disk));
  EXPECT_EQ(chain.files.front().reads - before, 3U);
}

TEST(Pieces, BlocksOf4096ByteSectors) {
  ImageSpec spec{.disk = 4 * kMiB, .block = kMiB, .id = id_of(0), .parent = id_of(1), .path = "1", .sector = 4096};
  spec.blocks = {{2, [](std::uint64_t sector) { return sector % 3 == 1; }}};
  ImageSpec base{.disk = 4 * kMiB, .block = kMiB, .id = id_of(1), .sector = 4096, .mark = 'b'};
  base.blocks = {{1, {}}, {2, {}}};
  const auto pieces = Chain{{test::vhdx_of(spec), test::vhdx_of(base)}}.pieces();
  EXPECT_GT(pieces.size(), 100U);
  for (const DiskPiece& piece : pieces) EXPECT_EQ(piece.start % 4096, 0U);
}

TEST(Pieces, AChildThatWasMadeLarger) {
  ImageSpec child{.disk = 4 * kMiB, .block = kMiB, .id = id_of(0), .parent = id_of(1), .path = "1"};
  ImageSpec base{.disk = 2 * kMiB + 4096, .block = kMiB, .id = id_of(1)};
  base.blocks = {{2, {}}};
  EXPECT_THAT(
      (Chain{{test::vhdx_of(child), test::vhdx_of(base)}}.pieces()),
      ElementsAre(zeros(0, 2 * kMiB), DiskPiece{2 * kMiB, 4096, 1, 4 * kMiB}, zeros(2 * kMiB + 4096, 2 * kMiB - 4096)));
}

TEST(Pieces, AParentOfAnotherSizeOrSectorIsRefused) {
  const auto refusal = [](const SparseFile& child, const SparseFile& base) { return Chain{{child, base}}.open(); };
  const ImageSpec child{.disk = 4 * kMiB, .block = kMiB, .id = id_of(0), .parent = id_of(1), .path = "1"};
  EXPECT_THAT(refusal(test::vhdx_of(child), test::vhdx_of({.disk = 5 * kMiB, .block = kMiB, .id = id_of(1)})),
              Fails(Code::Corrupt,
                    "its parent 1: its disk has 5242880 bytes and that of the child 4194304: it was "
                    "changed since the child was made"));
  EXPECT_THAT(
      refusal(test::vhdx_of(child), test::vhdx_of({.disk = 4 * kMiB, .block = kMiB, .id = id_of(1), .sector = 4096})),
      Fails(Code::Corrupt, "sectors are of another size"));
  EXPECT_THAT(refusal(test::vhdx_of(child), test::vhdx_of({.disk = 4 * kMiB, .block = kMiB, .id = id_of(2)})),
              Fails(Code::Corrupt, "another image"));
  EXPECT_THAT(refusal(test::vhd_of(child), fixed_vhd(3 * kMiB, 1)), Fails(Code::Corrupt, "its disk has 3145728 bytes"));
  EXPECT_TRUE(refusal(test::vhd_of(child), fixed_vhd(4 * kMiB, 1)));
}

TEST(Pieces, ACircleAndAMissingParent) {
  const ImageSpec own{.disk = 4 * kMiB, .block = kMiB, .id = id_of(0), .parent = id_of(0), .path = "0"};
  EXPECT_THAT((Chain{{test::vhdx_of(own)}}.open()), Fails(Code::Corrupt, "more than 63 parents, or is one of its own"));
  const SparseFile child = test::vhdx_of(own);
  const auto alone = open_disk(child, "image");
  ASSERT_TRUE(alone);
  EXPECT_THAT(pieces_of(**alone), Fails(Code::NotFound, "parent image"));
}

/// The file with a block allocation table of that many bytes, at its end.
SparseFile with_table_of(SparseFile file, std::uint64_t bytes) {
  constexpr std::uint64_t kPlace = 4 * kMiB;
  for (const std::uint64_t at : {192 * kKiB, 256 * kKiB}) {
    test::put_le<std::uint64_t>(file, at + 32, kPlace);
    test::put_le<std::uint32_t>(file, at + 40, static_cast<std::uint32_t>(bytes));
    test::seal_le(file, at, 64 * kKiB);
  }
  file.resize(kPlace + bytes).value();
  return file;
}

TEST(Pieces, AChainOfTooManyBlocks) {
  Chain chain;
  // Sixteen of 1 TiB are the cap; the table of each takes 8 MiB, more than its region here has.
  for (unsigned image = 0; image < 18; ++image) {
    ImageSpec spec{.disk = kTiB, .block = kMiB, .id = id_of(image), .parent = id_of(image + 1)};
    spec.path = concat(image + 1);
    chain.files.push_back(with_table_of(test::vhdx_of(spec), 9 * kMiB));
  }
  EXPECT_THAT(chain.open(), Fails(Code::Unsupported, "more than 16777216 blocks together"));
}

TEST(Pieces, WhatTheLogHoldsOfTheDiskIsNotInTheFile) {
  SparseFile file = test::vhdx();
  test::put_log_entry(file, 0, 100, 0, 4 * kMiB + 8192, 'a');
  test::mark_dirty(file);
  const Chain logged{{file}};
  EXPECT_THAT(pieces_of(**logged.open()), Fails(Code::Unsupported, "holds a part of the disk, at its byte 2097152"));
  // A block that the log gives its place: the table is read as it is after the replay.
  SparseFile table = test::vhdx();
  test::put_le<std::uint64_t>(table, test::kVhdxBat + 16, 0);
  test::put_log_entry(table, 0, 100, 0, test::kVhdxBat, '\0');
  // 2.3: of the sector the first eight bytes are in the descriptor; here is its third entry.
  test::put_le<std::uint64_t>(table, kMiB + 4096 + 16, 4 * kMiB | 6);
  test::seal_le(table, kMiB, 8192);
  test::mark_dirty(table);
  const Chain chain{{table}};
  EXPECT_THAT(chain.pieces(),
              ElementsAre(zeros(0, 2 * kMiB), DiskPiece{2 * kMiB, kMiB, 0, 4 * kMiB}, zeros(3 * kMiB, kMiB)));
}

// 64 TiB, of which nothing is there.
TEST(Pieces, AHugeDiskOfNothing) {
  ImageSpec spec{.disk = 64 * kTiB, .block = 256 * kMiB};
  const Chain chain{{with_table_of(test::vhdx_of(spec), 3 * kMiB)}};
  const auto disk = chain.open();
  ASSERT_TRUE(disk) << disk.error().message();
  EXPECT_THAT(pieces_of(**disk).value(), ElementsAre(zeros(0, 64 * kTiB)));
}

TEST(Pieces, TheCap) {
  // Every second sector: 4096 pieces a block.
  ImageSpec spec{.disk = 300 * 2 * kMiB, .block = 2 * kMiB, .every = 4096};
  for (std::uint64_t block = 0; block < 300; ++block) spec.blocks[block] = [](std::uint64_t s) { return s % 2 == 0; };
  const Chain chain{{test::vhd_of(spec)}};
  const auto disk = chain.open();
  ASSERT_TRUE(disk) << disk.error().message();
  EXPECT_THAT(pieces_of(**disk), Fails(Code::Unsupported, "more than 1000000 pieces of its image: merge or convert"));
}

}  // namespace
}  // namespace vhdboot::vhd
