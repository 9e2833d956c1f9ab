// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/dm_table.h"

#include <linux/dm-ioctl.h>

#include <cstring>

#include "base/bytes.h"
#include "init/blocks/attach_plan.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::blocks {
namespace {

using test::Fails;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr LowerDevice kDisk{.size = kGiB, .logical_block = 512, .cluster_size = 4096};
constexpr LowerDevice k4KnDisk{.size = kGiB, .logical_block = 4096, .cluster_size = 4096};

TEST(DmTable, RowsInSectors) {
  const std::vector<Extent> extents{{0, 8192, 4096}, {4096, 65536, 8192}};
  const auto rows = linear_table(extents, {0, 12288}, kDisk);
  ASSERT_TRUE(rows) << rows.error().text;
  EXPECT_THAT(*rows, ElementsAre(LinearRow{0, 8, 16}, LinearRow{8, 16, 128}));
  EXPECT_EQ(to_text(*rows, "8:3"), "0 8 linear 8:3 16\n8 16 linear 8:3 128\n");
}

TEST(DmTable, NeighboursAreMerged) {
  const std::vector<Extent> extents{{0, 4096, 4096}, {4096, 8192, 4096}, {8192, 12288, 4096}, {12288, 0, 4096}};
  EXPECT_THAT(*linear_table(extents, {0, 16384}, kDisk), ElementsAre(LinearRow{0, 24, 8}, LinearRow{24, 8, 0}));
}

TEST(DmTable, OnlyThePayload) {
  // A fixed VHD: the footer is left out. And a payload behind a header.
  const std::vector<Extent> extents{{0, 4096, 4096}, {4096, 65536, 4096}};
  EXPECT_THAT(*linear_table(extents, {0, 8192 - 512}, kDisk), ElementsAre(LinearRow{0, 8, 8}, LinearRow{8, 7, 128}));
  EXPECT_THAT(*linear_table(extents, {0, 4096}, kDisk), ElementsAre(LinearRow{0, 8, 8}));
  EXPECT_THAT(*linear_table(extents, {1024, 4096}, kDisk), ElementsAre(LinearRow{0, 6, 10}, LinearRow{6, 2, 128}));
  EXPECT_THAT(*linear_table(extents, {4096, 512}, kDisk), ElementsAre(LinearRow{0, 1, 128}));
}

TEST(DmTable, HolesAndShortFiles) {
  const std::vector<Extent> hole{{0, 4096, 4096}, {8192, 65536, 4096}};
  EXPECT_THAT(linear_table(hole, {0, 12288}, kDisk), Fails(Code::Corrupt, "hole from its byte 4096 to 8192"));
  EXPECT_TRUE(linear_table(hole, {0, 4096}, kDisk)) << "the hole lies behind the payload";
  EXPECT_THAT(linear_table({{Extent{512, 4096, 4096}}}, {0, 512}, kDisk), Fails(Code::Corrupt, "hole from its byte 0"));
  EXPECT_THAT(linear_table(hole, {8192, 8192}, kDisk), Fails(Code::Corrupt, "end at byte 12288, its disk at 16384"));
  EXPECT_THAT(linear_table({}, {0, 512}, kDisk), Fails(Code::Corrupt, "end at byte 0"));
}

TEST(DmTable, OverlapsAndTheEndOfTheVolume) {
  EXPECT_THAT(linear_table({{Extent{0, 4096, 8192}, Extent{4096, 65536, 4096}}}, {0, 8192}, kDisk),
              Fails(Code::Corrupt, "overlap at its byte 4096"));
  EXPECT_THAT(linear_table({{Extent{0, 4096, 8192}, Extent{8192, 8192, 4096}}}, {0, 12288}, kDisk),
              Fails(Code::Corrupt, "bytes 0 and 8192 of the image share a place"));
  EXPECT_THAT(linear_table({{Extent{0, kGiB - 4096, 8192}}}, {0, 8192}, kDisk), Fails(Code::Corrupt, "past its end"));
  EXPECT_THAT(linear_table({{Extent{0, ~std::uint64_t{511}, 8192}}}, {0, 8192}, kDisk),
              Fails(Code::Corrupt, "past its end"));
  EXPECT_THAT(linear_table({{Extent{~std::uint64_t{511}, 0, 8192}}}, {0, 8192}, kDisk),
              Fails(Code::Corrupt, "overlap"));
  EXPECT_THAT(linear_table({{Extent{0, 0, 8192}}}, {512, ~std::uint64_t{0}}, kDisk), Fails(Code::Corrupt, "disk of"));
  EXPECT_THAT(linear_table({{Extent{0, 0, 8192}}}, {0, 0}, kDisk), Fails(Code::Corrupt, "disk of 0 bytes"));
}

TEST(DmTable, OffTheLogicalBlocks) {
  EXPECT_THAT(linear_table({{Extent{0, 100, 4096}}}, {0, 4096}, kDisk),
              Fails(Code::Unsupported,
                    "byte 0 of the image lies at byte 100 of the host volume, which is not on a "
                    "logical block of the disk (512 bytes): copy the image"));
  EXPECT_THAT(linear_table({{Extent{0, 512, 4096}}}, {0, 4096}, k4KnDisk), Fails(Code::Unsupported, "(4096 bytes)"));
  // In the middle, where the sum is right again in the end.
  EXPECT_THAT(linear_table({{Extent{0, 0, 512}, Extent{512, 4096, 7680}}}, {0, 8192}, k4KnDisk),
              Fails(Code::Unsupported, "byte 0 of the image"));
  EXPECT_THAT(linear_table({{Extent{0, 0, 4096}}}, {0, 4096}, {.size = kGiB, .logical_block = 1024}),
              Fails(Code::Unsupported, "logical blocks of 1024 bytes"));
}

TEST(DmTable, TheLastRowReachesTheEndOfItsBlock) {
  // 4Kn: a VHD of two clusters less the tail of the second one.
  const std::vector<Extent> extents{{0, 4096, 4096}, {4096, 65536, 3072}};
  EXPECT_THAT(*linear_table(extents, {0, 4096 + 2560}, k4KnDisk),
              ElementsAre(LinearRow{0, 8, 8}, LinearRow{8, 8, 128}));
  // Clusters smaller than the block: the block's rest might be another file's.
  EXPECT_THAT(linear_table(extents, {0, 4096 + 2560}, {.size = kGiB, .logical_block = 4096, .cluster_size = 512}),
              Fails(Code::Unsupported, "byte 4096 of the image"));
  EXPECT_THAT(
      linear_table({{Extent{0, 4096, 512}}}, {0, 512}, {.size = 5000, .logical_block = 4096, .cluster_size = 4096}),
      Fails(Code::Unsupported, "byte 0 of the image"))
      << "the volume ends within the block";
}

TEST(DmTable, ManyRows) {
  std::vector<Extent> extents;
  for (std::uint64_t i = 0; i < 5000; ++i) extents.push_back({i * 512, (4999 - i) * 1024, 512});
  const auto rows = linear_table(extents, {0, 5000 * 512}, kDisk);
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->size(), 5000u);
}

// What the kernel reads: dm-ioctl.h is the oracle.
TEST(DmTable, PackedAsTheKernelReadsIt) {
  const std::vector<LinearRow> rows{{0, 8, 16}, {8, 4'000'000'000, 123456789012}, {4'000'000'008, 1, 7}};
  const auto packed = pack_linear_targets(rows, "259:3");
  std::size_t at = 0;
  for (const auto& row : rows) {
    dm_target_spec spec{};
    ASSERT_LE(at + sizeof spec, packed.size());
    std::memcpy(&spec, packed.data() + at, sizeof spec);
    EXPECT_EQ(spec.sector_start, row.start);
    EXPECT_EQ(spec.length, row.length);
    EXPECT_EQ(spec.status, 0);
    EXPECT_STREQ(spec.target_type, "linear");
    EXPECT_EQ(spec.next % 8, 0u);
    ASSERT_LE(at + spec.next, packed.size());
    const std::string_view text = as_text(Bytes(packed).subspan(at + sizeof spec, spec.next - sizeof spec));
    ASSERT_NE(text.find('\0'), std::string_view::npos);
    EXPECT_EQ(std::string(text.data()), "259:3 " + std::to_string(row.device_sector));
    at += spec.next;
  }
  EXPECT_EQ(at, packed.size());
  EXPECT_THAT(pack_linear_targets({}, "8:1"), IsEmpty());
}

AttachRequest request() {
  return {.payload = {0, 8192 - 512}, .file_size = 8192, .extents = {{0, 4096, 8192}}, .device = kDisk};
}

TEST(AttachPlan, Extents) {
  const auto plan = plan_attachment(request());
  ASSERT_TRUE(plan) << plan.error().text;
  EXPECT_EQ(*plan, (AttachPlan{.rows = {{0, 15, 8}}, .loop_size = 8192 - 512}));
  EXPECT_TRUE(plan->read_only);
  EXPECT_TRUE(plan->direct_io);
}

TEST(AttachPlan, APayloadBehindAHeader) {
  auto asked = request();
  asked.read_only = false;
  asked.payload = {512, 4096};
  const auto plan = plan_attachment(asked);
  ASSERT_TRUE(plan) << plan.error().text;
  EXPECT_EQ(*plan, (AttachPlan{.read_only = false, .rows = {{0, 8, 9}}, .loop_size = 4096}));
}

TEST(AttachPlan, LargerBlocksBelowGoWithoutDirectIo) {
  auto asked = request();
  asked.device = k4KnDisk;
  const auto plan = plan_attachment(asked);
  ASSERT_TRUE(plan) << plan.error().text;
  EXPECT_FALSE(plan->direct_io);
  EXPECT_THAT(plan->warnings, ElementsAre(testing::HasSubstr("direct I/O is not possible")));
  EXPECT_THAT(plan->rows, ElementsAre(LinearRow{0, 16, 8}));
  EXPECT_EQ(plan->loop_size, 8192u - 512u);

  asked.guest_block = 4096;
  asked.payload = {0, 4096};
  EXPECT_TRUE(plan_attachment(asked)->direct_io);
}

TEST(AttachPlan, PayloadsThatCannotBe) {
  auto asked = request();
  asked.payload = {0, 8193};
  EXPECT_THAT(plan_attachment(asked), Fails(Code::Corrupt, "the file ends at 8192"));
  asked.payload = {8193, 0};
  EXPECT_THAT(plan_attachment(asked), Fails(Code::Corrupt, "the file ends at 8192"));
  asked.payload = {0, 0};
  EXPECT_THAT(plan_attachment(asked), Fails(Code::Corrupt, "0 bytes"));
  asked.payload = {0, 1000};
  EXPECT_THAT(plan_attachment(asked), Fails(Code::Corrupt, "not whole blocks of 512"));
  asked.payload = {100, 512};
  EXPECT_THAT(plan_attachment(asked), Fails(Code::Corrupt, "begins at byte 100"));
  asked = request();
  asked.guest_block = 4096;
  EXPECT_THAT(plan_attachment(asked), Fails(Code::Corrupt, "not whole blocks of 4096"));
  asked.guest_block = 1024;
  EXPECT_THAT(plan_attachment(asked), Fails(Code::Unsupported, "1024"));
}

}  // namespace
}  // namespace vhdboot::blocks
