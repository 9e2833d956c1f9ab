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
  EXPECT_THAT(view_of({{0, 4096, 12288}}, 16384), Fails(Code::Corrupt, "end at byte 12288, its disk at 16384"));
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

}  // namespace
}  // namespace vhdboot::blocks
