// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/attach_plan.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::blocks {
namespace {

using test::Fails;
using testing::ElementsAre;
using testing::HasSubstr;

View view(std::uint64_t payload_size, std::uint32_t logical_block = 512) {
  return *flat_view({.size = 8192, .extents = {{0, 4096, 8192}}},
                    {.numbers = "8:3", .size = kGiB, .logical_block = logical_block, .cluster_size = 4096},
                    payload_size);
}

TEST(AttachPlan, OfAFlatImage) {
  EXPECT_EQ(*plan_attachment(view(8192 - 512), true, 512, ""),
            (AttachPlan{.view = view(8192 - 512), .read_only = true, .loop_block = 512, .direct_io = true}));
  EXPECT_FALSE(plan_attachment(view(4096), false, 512, "")->read_only);
}

TEST(AttachPlan, LargerBlocksBelowGoWithoutDirectIo) {
  const auto plan = plan_attachment(view(8192 - 512, 4096), true, 512, "");
  ASSERT_TRUE(plan) << plan.error().text;
  EXPECT_FALSE(plan->direct_io);
  EXPECT_THAT(plan->warnings, ElementsAre(HasSubstr("direct I/O is not possible")));
  EXPECT_TRUE(plan_attachment(view(4096, 4096), true, 4096, "")->direct_io);

  View two = view(4096);
  two.devices.push_back({.numbers = "8:4", .size = kGiB, .logical_block = 4096, .cluster_size = 4096});
  EXPECT_FALSE(plan_attachment(two, true, 512, "")->direct_io) << "one of its devices is enough";
}

TEST(AttachPlan, DisksThatCannotBe) {
  EXPECT_THAT(plan_attachment({}, true, 512, ""), Fails(Code::Corrupt, "0 bytes"));
  EXPECT_THAT(plan_attachment(view(1000), true, 512, ""), Fails(Code::Corrupt, "not whole blocks of 512"));
  EXPECT_THAT(plan_attachment(view(8192 - 512), true, 4096, ""), Fails(Code::Corrupt, "not whole blocks of 4096"));
  EXPECT_THAT(plan_attachment(view(4096), true, 1024, ""), Fails(Code::Unsupported, "1024"));
}

TEST(AttachPlan, Modules) {
  AttachPlan plan = *plan_attachment(view(4096), true, 512, "");
  EXPECT_THAT(modules_of(plan), ElementsAre("dm_mod", "loop"));
  append_row(plan.view.rows, {.kind = RowKind::Error, .start = 8, .length = 8});
  EXPECT_THAT(modules_of(plan), ElementsAre("dm_mod", "loop"));
  append_row(plan.view.rows, {.kind = RowKind::Zero, .start = 16, .length = 8});
  EXPECT_THAT(modules_of(plan), ElementsAre("dm_mod", "dm_zero", "loop"));
  plan.writer = {.kind = WriterKind::Memory, .store_size = kMinStore};
  EXPECT_THAT(modules_of(plan), ElementsAre("dm_mod", "dm_zero", "dm_snapshot", "loop"));
  plan = *plan_attachment(view(4096), true, 512, "");
  plan.grows = true;
  EXPECT_THAT(modules_of(plan), ElementsAre("dm_mod", "dm_zero", "dm_snapshot", "nbd", "loop"));
}

TEST(AttachPlan, OneThatForgetsTakesWritesAboveAViewThatDoesNot) {
  AttachPlan plan = *plan_attachment(view(8192), true, 512, "6.1.0");
  EXPECT_FALSE(plan.takes_writes());
  EXPECT_FALSE(plan.forgets());
  plan.writer = {.kind = WriterKind::Memory, .store_size = kMinStore};
  EXPECT_TRUE(plan.read_only);
  EXPECT_TRUE(plan.takes_writes());
  EXPECT_TRUE(plan.forgets());
  EXPECT_TRUE(plan_attachment(view(8192), false, 512, "6.1.0")->takes_writes());
}

TEST(AttachPlan, ASnapshotShowsTheWholeView) {
  EXPECT_THAT(writer_rows({}), testing::IsEmpty());
  const View two{
      .devices = {}, .files = {}, .rows = {{.length = 8}, {.start = 8, .length = 24, .device = 1}}, .size = 16384};
  EXPECT_EQ(*to_text(writer_rows(two), std::vector<std::string>{"253:0", "7:900"}),
            "0 32 snapshot 253:0 7:900 PO 16\n");
}

TEST(AttachPlan, NothingIsWrittenOnTheVolumeOfAParent) {
  const View two = *chain_view({{.size = 4096, .extents = {{0, 8192, 4096}}, .device = 0, .name = {}},
                                {.size = 4096, .extents = {{0, 8192, 4096}}, .device = 1, .name = "base"}},
                               {{.numbers = "8:3", .size = 1 << 20}, {.numbers = "8:17", .size = 1 << 20}},
                               std::vector<vhd::DiskPiece>{{0, 4096, 0, 0}, {4096, 4096, 1, 0}});
  EXPECT_TRUE(plan_attachment(two, true, 512, "6.1.0"));
  EXPECT_THAT(plan_attachment(two, false, 512, "6.1.0"), Fails(Code::Unsafe, "on the volume of a parent"));
}

// A disk of 64 sectors in two pieces on one partition.
View two_pieces() {
  View view = *flat_view({.size = 32768, .extents = {{0, 409600, 16384}, {16384, 819200, 16384}}},
                         {.numbers = "8:3", .size = 1 << 20, .cluster_size = 4096}, 32768);
  return view;
}

std::string kept_text(const View& view, const std::vector<Range>& kept) {
  return *to_text(*kept_rows(view, kept), std::vector<std::string>{"253:1", "8:3"});
}

TEST(AttachPlan, WhatIsKeptGoesToTheImage) {
  EXPECT_EQ(kept_text(two_pieces(), {{8192, 4096}}),
            "0 16 linear 253:1 0\n16 8 linear 8:3 816\n24 40 linear 253:1 24\n");
  EXPECT_EQ(kept_text(two_pieces(), {{12288, 8192}}),
            "0 24 linear 253:1 0\n24 8 linear 8:3 824\n32 8 linear 8:3 1600\n40 24 linear 253:1 40\n");
  EXPECT_EQ(kept_text(two_pieces(), {{0, 512}, {512, 512}, {32256, 512}}),
            "0 2 linear 8:3 800\n2 61 linear 253:1 2\n63 1 linear 8:3 1631\n");
  EXPECT_EQ(kept_text(two_pieces(), {}), "0 64 linear 253:1 0\n");
}

TEST(AttachPlan, WhatCannotBeKept) {
  const auto keep = [](const View& view, std::vector<Range> kept) { return kept_rows(view, kept); };
  for (const auto& wrong : std::vector<std::vector<Range>>{
           {{32768, 512}}, {{0, 0}}, {{UINT64_MAX, 512}}, {{4096, 512}, {0, 512}}, {{0, 1024}, {512, 512}}})
    EXPECT_THAT(keep(two_pieces(), wrong), Fails(Code::Invalid, "cannot be kept"));
  EXPECT_THAT(keep(two_pieces(), {{100, 512}}), Fails(Code::Unsupported, "logical block of the disk (512 bytes)"));
  View coarse = two_pieces();
  coarse.devices.front().logical_block = 4096;
  EXPECT_THAT(keep(coarse, {{4096, 512}}), Fails(Code::Unsupported, "logical block of the disk (4096 bytes)"));
  View sparse = two_pieces();
  sparse.rows.back() = {.kind = RowKind::Zero, .start = 32, .length = 32};
  EXPECT_TRUE(keep(sparse, {{8192, 8192}}));
  EXPECT_THAT(keep(sparse, {{8192, 8704}}), Fails(Code::Unsupported, "no place in the image at byte 16384"));
  EXPECT_THAT(keep({}, {}), Fails(Code::Invalid, ""));
}

}  // namespace
}  // namespace vhdboot::blocks
