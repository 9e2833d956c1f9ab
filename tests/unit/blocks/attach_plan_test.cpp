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
  EXPECT_EQ(*to_text(writer_rows(two), std::vector<std::string>{"253:0", "7:900"}), "0 32 snapshot 253:0 7:900 PO 8\n");
}

}  // namespace
}  // namespace vhdboot::blocks
