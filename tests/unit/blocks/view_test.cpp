// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/view.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::blocks {
namespace {

using test::Fails;
using testing::ElementsAre;

const LowerDevice kDisk{.numbers = "8:3", .size = kGiB, .logical_block = 512, .cluster_size = 4096};
const LowerDevice k4KnDisk{.numbers = "8:3", .size = kGiB, .logical_block = 4096, .cluster_size = 4096};

Row row(std::uint64_t start, std::uint64_t length, std::uint64_t device_sector) {
  return {.start = start, .length = length, .device_sector = device_sector};
}

// The view of a file in these extents, with room for any payload.
Result<View> view_of(std::vector<Extent> extents, std::uint64_t payload_size, const LowerDevice& device = kDisk) {
  return flat_view({.size = UINT64_MAX, .extents = std::move(extents)}, device, payload_size);
}

std::vector<Row> rows_of(std::vector<Extent> extents, std::uint64_t payload_size, const LowerDevice& device = kDisk) {
  const auto view = view_of(std::move(extents), payload_size, device);
  EXPECT_TRUE(view) << view.error().text;
  return view ? view->rows : std::vector<Row>{};
}

TEST(View, KeepsWhatItIsMadeOf) {
  const MappedFile file{.size = 12800, .extents = {{0, 8192, 4096}, {4096, 65536, 8704}}};
  const auto view = flat_view(file, kDisk, 12288);
  ASSERT_TRUE(view) << view.error().text;
  EXPECT_THAT(view->files, ElementsAre(file));
  EXPECT_THAT(view->devices, ElementsAre(kDisk));
  EXPECT_EQ(view->size, 12288u);
  EXPECT_THAT(device_numbers(*view), ElementsAre("8:3"));
  EXPECT_THAT(view->rows, ElementsAre(row(0, 8, 16), row(8, 16, 128)));
  EXPECT_EQ(*to_text(view->rows, device_numbers(*view)), "0 8 linear 8:3 16\n8 16 linear 8:3 128\n");
}

TEST(View, NeighboursAreMerged) {
  EXPECT_THAT(rows_of({{0, 4096, 4096}, {4096, 8192, 4096}, {8192, 12288, 4096}, {12288, 0, 4096}}, 16384),
              ElementsAre(row(0, 24, 8), row(24, 8, 0)));
}

TEST(View, OnlyThePayload) {
  // A fixed VHD: the footer is left out.
  const std::vector<Extent> extents{{0, 4096, 4096}, {4096, 65536, 4096}};
  EXPECT_THAT(rows_of(extents, 8192 - 512), ElementsAre(row(0, 8, 8), row(8, 7, 128)));
  EXPECT_THAT(rows_of(extents, 4096), ElementsAre(row(0, 8, 8)));
  EXPECT_THAT(rows_of(extents, 512), ElementsAre(row(0, 1, 8)));
}

TEST(View, HolesAndShortFiles) {
  const std::vector<Extent> hole{{0, 4096, 4096}, {8192, 65536, 4096}};
  EXPECT_THAT(view_of(hole, 12288), Fails(Code::Corrupt, "hole from its byte 4096 to 8192"));
  EXPECT_TRUE(view_of(hole, 4096)) << "the hole lies behind the payload";
  EXPECT_THAT(view_of({{512, 4096, 4096}}, 512), Fails(Code::Corrupt, "hole from its byte 0"));
  EXPECT_THAT(view_of({{0, 4096, 12288}}, 16384), Fails(Code::Corrupt, "end at byte 12288"));
  EXPECT_THAT(view_of({}, 512), Fails(Code::Corrupt, "end at byte 0"));
  EXPECT_THAT(flat_view({.size = 8192, .extents = {{0, 4096, 8192}}}, kDisk, 8193),
              Fails(Code::Corrupt, "would have 8193 bytes, the file has 8192"));
}

TEST(View, OverlapsAndTheEndOfTheVolume) {
  EXPECT_THAT(view_of({{0, 4096, 8192}, {4096, 65536, 4096}}, 8192), Fails(Code::Corrupt, "overlap at its byte 4096"));
  EXPECT_THAT(view_of({{0, 4096, 8192}, {8192, 8192, 4096}}, 12288),
              Fails(Code::Corrupt, "bytes 0 and 8192 of the image share a place"));
  EXPECT_THAT(view_of({{0, kGiB - 4096, 8192}}, 8192), Fails(Code::Corrupt, "past its end"));
  EXPECT_THAT(view_of({{0, ~std::uint64_t{511}, 8192}}, 8192), Fails(Code::Corrupt, "past its end"));
  EXPECT_THAT(view_of({{~std::uint64_t{511}, 0, 8192}}, 8192), Fails(Code::Corrupt, "overlap"));
  EXPECT_THAT(view_of({{0, 0, 8192}}, ~std::uint64_t{0}), Fails(Code::Corrupt, "end at byte 8192"));
  EXPECT_THAT(view_of({{0, 0, 8192}}, 0), Fails(Code::Corrupt, "disk of 0 bytes"));
}

TEST(View, OffTheLogicalBlocks) {
  EXPECT_THAT(view_of({{0, 100, 4096}}, 4096),
              Fails(Code::Unsupported,
                    "byte 0 of the image lies at byte 100 of the host volume, which is not on a "
                    "logical block of the disk (512 bytes): copy the image"));
  EXPECT_THAT(view_of({{0, 512, 4096}}, 4096, k4KnDisk), Fails(Code::Unsupported, "(4096 bytes)"));
  // In the middle, where the sum is right again in the end.
  EXPECT_THAT(view_of({{0, 0, 512}, {512, 4096, 7680}}, 8192, k4KnDisk),
              Fails(Code::Unsupported, "byte 0 of the image"));
  EXPECT_THAT(view_of({{0, 0, 4096}}, 4096, {.numbers = "8:3", .size = kGiB, .logical_block = 1024}),
              Fails(Code::Unsupported, "logical blocks of 1024 bytes"));
}

TEST(View, TheLastRowReachesTheEndOfItsBlock) {
  // 4Kn: a VHD of two clusters less the tail of the second one.
  const std::vector<Extent> extents{{0, 4096, 4096}, {4096, 65536, 3072}};
  const auto view = view_of(extents, 4096 + 2560, k4KnDisk);
  ASSERT_TRUE(view) << view.error().text;
  EXPECT_THAT(view->rows, ElementsAre(row(0, 8, 8), row(8, 8, 128)));
  EXPECT_EQ(view->size, 4096u + 2560u);
  // Clusters smaller than the block: the block's rest might be another file's.
  LowerDevice other = k4KnDisk;
  other.cluster_size = 512;
  EXPECT_THAT(view_of(extents, 4096 + 2560, other), Fails(Code::Unsupported, "byte 4096 of the image"));
  other = k4KnDisk;
  other.size = 5000;
  EXPECT_THAT(view_of({{0, 4096, 512}}, 512, other), Fails(Code::Unsupported, "byte 0 of the image"))
      << "the volume ends within the block";
}

TEST(View, ManyRows) {
  std::vector<Extent> extents;
  for (std::uint64_t i = 0; i < 5000; ++i) extents.push_back({i * 512, (4999 - i) * 1024, 512});
  EXPECT_EQ(rows_of(extents, 5000 * 512).size(), 5000u);
}

TEST(View, TheCapOnRows) {
  LowerDevice large = kDisk;
  large.size = kTiB;
  std::vector<Extent> extents;
  for (std::uint64_t i = 0; i <= kMaxRows; ++i) extents.push_back({i * 512, i * 1024, 512});
  EXPECT_THAT(view_of(extents, 512, large), Fails(Code::Unsupported, "1000001 pieces, more than 1000000: defragment"));
}

// --- chains

using Pieces = std::vector<vhd::DiskPiece>;
constexpr auto kZeros = std::nullopt;

MappedFile file_of(std::string name, std::uint64_t physical, std::uint64_t size, std::size_t device = 0) {
  return {.size = size, .extents = {{0, physical, size}}, .device = device, .name = std::move(name)};
}

TEST(ChainView, RowsOfAllFiles) {
  MappedFile child = file_of("child.vhdx", kMiB, 64 * kKiB);
  child.extents = {{0, kMiB, 8192}, {8192, 2 * kMiB, 56 * kKiB}};
  const MappedFile base = file_of("base.vhdx", 4 * kMiB, 64 * kKiB, 1);
  LowerDevice other = kDisk;
  other.numbers = "8:17";
  const Pieces pieces{{0, 4096, kZeros, 0}, {4096, 8192, 0, 4096}, {12288, 4096, 1, 512}, {16384, 512, kZeros, 0}};
  const auto view = chain_view({child, base}, {kDisk, other}, pieces);
  ASSERT_TRUE(view) << view.error().text;
  EXPECT_EQ(*to_text(view->rows, device_numbers(*view)),
            "0 8 zero\n8 8 linear 8:3 2056\n16 8 linear 8:3 4096\n24 8 linear 8:17 8193\n32 1 zero\n");
  EXPECT_EQ(view->size, 16896U);
  EXPECT_THAT(view->files, ElementsAre(child, base));
}

TEST(ChainView, WhatIsFarApartInTheFileMayBeOneRow) {
  MappedFile file = file_of("", 0, 64 * kKiB);
  file.extents = {{0, 8192, 4096}, {4096, 0, 4096}, {8192, 12288, 4096}};
  const auto view = chain_view({file}, {kDisk}, Pieces{{0, 4096, 0, 0}, {4096, 4096, 0, 8192}});
  ASSERT_TRUE(view) << view.error().text;
  EXPECT_THAT(view->rows, ElementsAre(row(0, 16, 16)));
}

TEST(ChainView, PiecesThatCannotBe) {
  const std::vector<MappedFile> files{file_of("a.vhdx", kMiB, 8192)};
  const auto view = [&](const Pieces& pieces) { return chain_view(files, {kDisk}, pieces); };
  EXPECT_THAT(view({}), Fails(Code::Corrupt, "disk of 0 bytes"));
  EXPECT_THAT(view({{512, 512, 0, 0}}), Fails(Code::Corrupt, "missing at its byte 0"));
  EXPECT_THAT(view({{0, 512, 0, 0}, {1024, 512, 0, 0}}), Fails(Code::Corrupt, "missing at its byte 512"));
  EXPECT_THAT(view({{0, 512, 0, 0}, {512, 0, 0, 0}}), Fails(Code::Corrupt, "missing at its byte 512"));
  EXPECT_THAT(view({{0, 512, 1, 0}}), Fails(Code::Invalid, "file 1 of 1"));
  EXPECT_THAT(view({{0, 1024, 0, 7680}}), Fails(Code::Corrupt, "from byte 7680 of a.vhdx on, which has 8192"));
  EXPECT_THAT(view({{0, 512, 0, ~std::uint64_t{511}}}), Fails(Code::Corrupt, "a.vhdx"));
  EXPECT_THAT(view({{0, ~std::uint64_t{511}, kZeros, 0}}), Fails(Code::Corrupt, "so large"));
  EXPECT_THAT(chain_view({file_of("a", kMiB, 512, 1)}, {kDisk}, Pieces{{0, 512, 0, 0}}),
              Fails(Code::Invalid, "device 1 of 1"));
}

TEST(ChainView, HolesAreNamedByTheirFile) {
  MappedFile base = file_of("base.vhd", 4 * kMiB, 64 * kKiB);
  base.extents = {{0, 4 * kMiB, 4096}, {8192, 5 * kMiB, 4096}};
  const auto view = [&](std::uint64_t from, std::uint64_t length) {
    return chain_view({file_of("child.vhd", kMiB, 4096), base}, {kDisk}, Pieces{{0, length, 1, from}});
  };
  EXPECT_TRUE(view(0, 4096));
  EXPECT_TRUE(view(8192, 4096));
  EXPECT_THAT(view(0, 8192), Fails(Code::Corrupt, "base.vhd has a hole from its byte 4096 to 8192"));
  EXPECT_THAT(view(4096, 512), Fails(Code::Corrupt, "base.vhd has a hole from its byte 4096 to 8192"));
  EXPECT_THAT(view(12288, 512), Fails(Code::Corrupt, "the extents of base.vhd end at byte 12288"));
}

TEST(ChainView, TwoFilesInOnePlace) {
  const Pieces piece{{0, 4096, 0, 0}};
  const std::vector<MappedFile> files{file_of("a", kMiB, 8192), file_of("b", kMiB + 4096, 4096)};
  EXPECT_THAT(chain_view(files, {kDisk}, piece),
              Fails(Code::Corrupt, "byte 0 of a and byte 0 of b share a place on the host volume"));
  std::vector<MappedFile> elsewhere = files;
  elsewhere[1].device = 1;
  EXPECT_TRUE(chain_view(elsewhere, {kDisk, kDisk}, piece)) << "two devices";
}

TEST(View, OneMoreFile) {
  const auto view = *flat_view(file_of("a", kMiB, 8192), kDisk, 8192);
  const auto both = with_file(view, file_of("b", 2 * kMiB, 4096));
  ASSERT_TRUE(both);
  EXPECT_EQ(both->rows, view.rows);
  EXPECT_EQ(both->files.size(), 2U);
  EXPECT_THAT(with_file(view, file_of("b", kMiB + 4096, 4096)),
              Fails(Code::Corrupt, "byte 0 of a and byte 0 of b share a place on the host volume"));
  EXPECT_THAT(with_file(view, file_of("b", kDisk.size, 4096)), Fails(Code::Corrupt, "past its end"));
}

TEST(ChainView, BlocksOf4096Bytes) {
  const auto view = [](const Pieces& pieces) {
    return chain_view({file_of("old.vhd", kMiB, 64 * kKiB)}, {k4KnDisk}, pieces);
  };
  EXPECT_TRUE(view({{0, 4096, 0, 8192}, {4096, 8192, kZeros, 0}}));
  // A block of a VHD behind its bitmap; sectors of a partial block.
  EXPECT_THAT(view({{0, 4096, 0, 512}}),
              Fails(Code::Unsupported,
                    "bytes 0 to 4096 of the disk lie from byte 512 of old.vhd on, which are no logical blocks of the "
                    "disk below (4096 bytes): convert the image to a fixed VHD or a VHDX, or keep it on a disk"));
  EXPECT_THAT(view({{0, 512, 0, 0}, {512, 3584, kZeros, 0}}), Fails(Code::Unsupported, "bytes 0 to 512 of the disk"));
  EXPECT_THAT(view({{0, 512, kZeros, 0}, {512, 3584, 0, 512}}), Fails(Code::Unsupported, "bytes 512 to 4096"));
  // One such disk is enough: the table is one.
  EXPECT_THAT(chain_view({file_of("a", kMiB, 4096), file_of("b", kMiB, 4096, 1)}, {kDisk, k4KnDisk},
                         Pieces{{0, 512, 0, 0}, {512, 512, kZeros, 0}}),
              Fails(Code::Unsupported, "bytes 0 to 512 of the disk"));
}

TEST(ChainView, AShortLastBlockOf4096Bytes) {
  const auto view = [](const Pieces& pieces) {
    return chain_view({file_of("a.vhdx", kMiB, 64 * kKiB)}, {k4KnDisk}, pieces);
  };
  const auto bytes = view({{0, 4096, kZeros, 0}, {4096, 512, 0, 8192}});
  ASSERT_TRUE(bytes) << bytes.error().text;
  EXPECT_EQ(*to_text(bytes->rows, device_numbers(*bytes)), "0 8 zero\n8 8 linear 8:3 2064\n");
  EXPECT_EQ(bytes->size, 4608U);
  const auto zeros = view({{0, 4096, 0, 0}, {4096, 512, kZeros, 0}});
  ASSERT_TRUE(zeros) << zeros.error().text;
  EXPECT_EQ(*to_text(zeros->rows, device_numbers(*zeros)), "0 8 linear 8:3 2048\n8 8 zero\n");
  EXPECT_EQ(zeros->size, 4608U);
  // In pieces that pieces_of() would have merged.
  const auto more = view({{0, 1024, kZeros, 0}, {1024, 512, kZeros, 0}, {1536, 4096, kZeros, 0}});
  ASSERT_TRUE(more) << more.error().text;
  EXPECT_EQ(*to_text(more->rows, device_numbers(*more)), "0 16 zero\n");
}

TEST(ChainView, ThirtyThousandBlocks) {
  Pieces pieces;
  for (std::uint64_t i = 0; i < 30'000; ++i)
    pieces.push_back({i * kMiB, kMiB, i % 2 == 0 ? std::optional<std::uint32_t>(0) : kZeros, (30'000 - i) * kMiB});
  LowerDevice large = kDisk;
  large.size = kTiB;
  const auto view = chain_view({file_of("wsl.vhdx", kGiB, 40'000 * kMiB)}, {large}, pieces);
  ASSERT_TRUE(view) << view.error().text;
  EXPECT_EQ(view->rows.size(), 30'000U);
}

TEST(ChainView, TheChecksumTellsRowsApart) {
  const auto view = [](const Pieces& pieces) {
    return chain_view({file_of("a.vhdx", kMiB, 64 * kKiB)}, {kDisk}, pieces).value();
  };
  const View one = view({{0, 4096, 0, 0}, {4096, 4096, kZeros, 0}});
  EXPECT_EQ(checksum(one), checksum(view({{0, 4096, 0, 0}, {4096, 4096, kZeros, 0}})));
  EXPECT_NE(checksum(one), checksum(view({{0, 4096, 0, 4096}, {4096, 4096, kZeros, 0}})));
  EXPECT_NE(checksum(one), checksum(view({{0, 4096, kZeros, 0}, {4096, 4096, 0, 0}})));
  View other = one;
  other.devices.front().numbers = "259:1";
  EXPECT_EQ(checksum(one), checksum(other)) << "another kernel numbers them in its own way";
  other.size -= 512;
  EXPECT_NE(checksum(one), checksum(other));
}

TEST(View, WhatIsMissingIsAnError) {
  const auto view = *view_of({{0, 4096, 8192}, {8192, 65536, 8192}}, 16384);  // sectors 8 to 23, and 128 to 143
  const auto error = [](std::uint64_t start, std::uint64_t length) {
    return Row{.kind = RowKind::Error, .start = start, .length = length};
  };
  EXPECT_EQ(with_missing(view, {}), view);
  const auto rows = [&](std::vector<Range> missing) { return with_missing(view, missing).rows; };
  EXPECT_THAT(rows({{4096, 8192}}), ElementsAre(row(0, 8, 8), error(8, 16), row(24, 8, 136)));
  EXPECT_THAT(rows({{0, 4096}, {12288, 4096}}), ElementsAre(error(0, 8), row(8, 8, 16), row(16, 8, 128), error(24, 8)));
  EXPECT_THAT(rows({{0, 16384}}), ElementsAre(error(0, 32)));
  EXPECT_THAT(rows({{4096, 4096}, {12288, 1 << 20}}),
              ElementsAre(row(0, 8, 8), error(8, 8), row(16, 8, 128), error(24, 8)));
}

}  // namespace
}  // namespace vhdboot::blocks
