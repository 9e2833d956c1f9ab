// SPDX-License-Identifier: GPL-2.0-or-later
// What merge.h promises, whenever the power fails: the chain reads the same, and another run completes it.
#include "vhd/merge.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/unit/base/error_matchers.h"
#include "tests/unit/vhd/chain_images.h"
#include "tests/unit/vhd/crash_explorer.h"
#include "vhd/dynamic_vhd_writer.h"

namespace vhdboot::vhd {
namespace {

using test::Fails;
using test::ImageSpec;
using test::Overlay;
using test::RecordingFile;
using test::SparseFile;

constexpr Guid kBase = "bbbbbbbb-0000-4000-8000-000000000001"_guid;
constexpr Guid kParent = "bbbbbbbb-0000-4000-8000-000000000002"_guid;
constexpr Guid kChild = "bbbbbbbb-0000-4000-8000-000000000003"_guid;
constexpr Guid kLog = "aaaaaaaa-0000-4000-8000-0000000000ff"_guid;
constexpr AttachGuids kToolGuids{"aaaaaaaa-0000-4000-8000-000000000001"_guid, std::nullopt};
constexpr AttachGuids kLastGuids{"aaaaaaaa-0000-4000-8000-000000000002"_guid,
                                 "aaaaaaaa-0000-4000-8000-000000000003"_guid};
constexpr std::uint64_t kEvery = 128;

const Watch kGoOn = [](std::uint64_t) { return true; };

struct Chain {
  SparseFile child;
  SparseFile parent;
  std::optional<SparseFile> base;
};

struct Scenario {
  const char* name;
  std::function<Chain()> make;
};

// The child with `parent` in place of its parent's file.
Result<std::unique_ptr<Disk>> open_chain(const Chain& chain, const ByteSource& parent) {
  return open_disk(chain.child, "child", [&](std::string_view child, std::string_view) -> Result<OpenedFile> {
    const bool first = child == "child";
    const ByteSource& file = first ? parent : *chain.base;
    return OpenedFile{first ? "parent" : "base", std::make_unique<SliceSource>(file, 0, file.size()), std::nullopt};
  });
}

// The parent alone, as it is once the child is gone.
Result<std::unique_ptr<Disk>> open_alone(const Chain& chain, const ByteSource& parent) {
  return open_disk(parent, "parent", [&](std::string_view, std::string_view) -> Result<OpenedFile> {
    return OpenedFile{"base", std::make_unique<SliceSource>(*chain.base, 0, chain.base->size()), std::nullopt};
  });
}

// Of every few sectors one: those in which the images of a test have something.
std::string contents(const Result<std::unique_ptr<Disk>>& disk) {
  if (!disk) return disk.error().message();
  std::string all;
  std::vector<std::byte> sector(512);
  for (std::uint64_t at = 0; at < (*disk)->size(); at += kEvery * sector.size()) {
    if (const auto read = (*disk)->read(at, sector); !read) return read.error().message();
    all += as_text(sector);
  }
  return all;
}

// With places for blocks, which are not zeros.
SparseFile with_reserve(SparseFile file, std::uint64_t bytes) {
  const std::uint64_t size = file.size();
  file.resize(size + bytes).value();
  for (std::uint64_t at = size; at < file.size(); at += kEvery * 512) file.put(at, "junk");
  return file;
}

SparseFile with_vhd_reserve(const SparseFile& file, std::uint64_t bytes) {
  const auto footer = file.bytes(file.size() - 512, 512);
  SparseFile out = with_reserve(file, bytes);
  out.put(out.size() - 512, footer);
  out.put(file.size() - 512, std::vector<std::byte>(512));
  return out;
}

const test::Held kUpper = [](std::uint64_t sector) { return sector >= 1024; };
const test::Held kThird = [](std::uint64_t sector) { return sector / kEvery % 3 == 0; };

// Whole blocks and parts of some, over blocks that the parent has, and has not; zeros, over both.
Chain vhdx_chain(std::uint64_t parent_block = kMiB) {
  ImageSpec child{.disk = 6 * kMiB + kMiB / 2,
                  .block = kMiB,
                  .id = kChild,
                  .parent = kParent,
                  .blocks = {{0, {}}, {1, kUpper}, {4, kThird}, {6, {}}},
                  .states = {{3, 2}, {5, 2}},
                  .every = kEvery,
                  .mark = 'c'};
  ImageSpec parent{
      .disk = child.disk, .block = parent_block, .id = kParent, .blocks = {{0, {}}}, .every = kEvery, .mark = 'p'};
  if (parent_block == kMiB) {
    parent.blocks[2] = {};
    parent.blocks[3] = {};
  }
  return {.child = test::vhdx_of(child), .parent = with_reserve(test::vhdx_of(parent), 6 * parent_block), .base = {}};
}

Chain vhdx_chain_of_three() {
  const ImageSpec middle{.disk = 6 * kMiB + kMiB / 2,
                         .block = kMiB,
                         .id = kParent,
                         .parent = kBase,
                         .blocks = {{0, kThird}, {1, kUpper}, {4, {}}},
                         .states = {{2, 2}},
                         .every = kEvery,
                         .mark = 'p'};
  const ImageSpec base{.disk = middle.disk,
                       .block = kMiB,
                       .id = kBase,
                       .blocks = {{0, {}}, {1, {}}, {3, {}}, {4, {}}, {5, {}}},
                       .every = kEvery,
                       .mark = 'b'};
  return {.child = vhdx_chain().child,
          .parent = with_reserve(test::vhdx_of(middle), 6 * kMiB),
          .base = test::vhdx_of(base)};
}

Chain vhdx_with_log() {
  Chain chain = vhdx_chain();
  const std::uint64_t place = chain.parent.size() - kMiB;
  test::put_log_entry(chain.parent, 0, 1, 0, place, 'L');
  test::mark_dirty(chain.parent);
  return chain;
}

SparseFile fixed_vhd(std::uint64_t disk) {
  SparseFile file(disk + 512);
  for (std::uint64_t at = 0; at < disk; at += kEvery * 512) file.put(at, test::marked_sector('f', at / 512));
  file.put(disk, serialise(*make_fixed_footer(disk, kParent, kVhdEpoch)));
  return file;
}

constexpr std::uint64_t kVhdDisk = 5 * kMiB / 2;

ImageSpec vhd_child() {
  return {.disk = kVhdDisk,
          .block = 512 * kKiB,
          .id = kChild,
          .parent = kParent,
          .blocks = {{0, {}}, {1, kThird}, {2, kThird}, {4, {}}},
          .every = kEvery,
          .mark = 'c'};
}

Chain on_fixed_vhd() {
  return {.child = test::vhd_of(vhd_child()), .parent = fixed_vhd(kVhdDisk), .base = {}};
}

// Blocks of another size than those of the child; of the first one a part.
Chain on_dynamic_vhd(std::uint64_t block) {
  ImageSpec parent{.disk = kVhdDisk, .block = block, .id = kParent, .every = kEvery, .mark = 'p'};
  parent.blocks[0] = [](std::uint64_t sector) { return sector / kEvery % 2 == 0; };
  parent.blocks[1] = {};
  return {.child = test::vhd_of(vhd_child()),
          .parent = with_vhd_reserve(test::vhd_of(parent), 3 * kMiB + 5 * block),
          .base = {}};
}

Chain vhd_of_three() {
  ImageSpec middle{.disk = kVhdDisk, .block = 512 * kKiB, .id = kParent, .parent = kBase, .every = kEvery, .mark = 'p'};
  middle.blocks[0] = kThird;
  middle.blocks[2] = [](std::uint64_t sector) { return sector / kEvery % 2 == 0; };
  const ImageSpec base{
      .disk = kVhdDisk, .block = 256 * kKiB, .id = kBase, .blocks = {{1, {}}, {4, {}}, {7, {}}}, .every = kEvery};
  return {.child = test::vhd_of(vhd_child()),
          .parent = with_vhd_reserve(test::vhd_of(middle), 5 * (512 * kKiB + 4096)),
          .base = test::vhd_of(base)};
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      {"vhdx", [] { return vhdx_chain(); }},
      {"vhdx_larger_blocks", [] { return vhdx_chain(2 * kMiB); }},
      {"vhdx_of_three", vhdx_chain_of_three},
      {"vhdx_with_log", vhdx_with_log},
      {"vhd_on_fixed", on_fixed_vhd},
      {"vhd_on_dynamic", [] { return on_dynamic_vhd(512 * kKiB); }},
      {"vhd_smaller_blocks", [] { return on_dynamic_vhd(128 * kKiB); }},
      {"vhd_larger_blocks", [] { return on_dynamic_vhd(2 * kMiB); }},
      {"vhd_of_three", vhd_of_three},
  };
  return all;
}

// As `vhdtool commit` does it, up to the moment at which the child goes.
Result<void> merge_all(const Chain& chain, ByteFile& parent, const Watch& watch = kGoOn) {
  const auto child = TRY(open_chain(chain, parent));
  const DiskInfo& info = child->parent()->info();
  if (info.block_size == 0) return merge(parent, nullptr, *child, watch);
  std::unique_ptr<BlockWriter> writer;
  if (info.format == Format::Vhdx)
    writer = TRY(VhdxWriter::open(parent, kToolGuids, kLog));
  else
    writer = TRY(DynamicVhdWriter::open(parent));
  TRY(merge(parent, writer.get(), *child, watch));
  return writer->close();
}

class Merge : public ::testing::TestWithParam<Scenario> {};

TEST_P(Merge, AtAnyCutTheChainReadsTheSameAndAnotherRunCompletesIt) {
  const Chain chain = GetParam().make();
  const std::string before = contents(open_chain(chain, chain.parent));
  ASSERT_NE(before, contents(open_alone(chain, chain.parent)));
  RecordingFile file(chain.parent);
  const auto done = merge_all(chain, file);
  ASSERT_TRUE(done) << done.error().message();
  file.answer();
  EXPECT_EQ(contents(open_chain(chain, file.now())), before);
  EXPECT_EQ(contents(open_alone(chain, file.now())), before);

  // The first four events put the headers of a clean VHDX, which vhdx_writer_test.cpp explores.
  constexpr std::size_t kAttachEvents = 4;
  const bool is_clean =
      std::string_view(GetParam().name).starts_with("vhdx") && std::string_view(GetParam().name) != "vhdx_with_log";
  std::size_t states = 0;
  const auto explored = test::explore(
      chain.parent, file.events,
      [&](const Overlay& state, std::size_t answered) -> std::string {
        if (contents(open_chain(chain, state)) != before) return "the chain reads otherwise";
        if (answered > 0 && contents(open_alone(chain, state)) != before) return "the parent alone reads otherwise";
        if (++states % 24 != 0) return "";
        Overlay again(state);
        if (const auto next = merge_all(chain, again); !next) return concat("once more: ", next.error().message());
        return contents(open_alone(chain, again)) == before ? "" : "it is not complete after another run";
      },
      is_clean ? kAttachEvents : 0, 1);
  EXPECT_GT(explored.states, 10U);
  EXPECT_EQ(explored.fault, "");
}

TEST_P(Merge, StoppedAnywhereTheChainReadsTheSameAndAnotherRunGoesOn) {
  const Chain chain = GetParam().make();
  const std::string before = contents(open_chain(chain, chain.parent));
  for (unsigned steps = 1;; ++steps) {
    RecordingFile file(chain.parent);
    unsigned left = steps;
    const auto stopped = merge_all(chain, file, [&](std::uint64_t) { return --left > 0; });
    if (stopped) break;
    EXPECT_THAT(stopped, Fails(Code::Io, "stopped"));
    EXPECT_EQ(contents(open_chain(chain, file.now())), before) << steps;
    ASSERT_TRUE(merge_all(chain, file)) << steps;
    EXPECT_EQ(contents(open_alone(chain, file.now())), before) << steps;
    ASSERT_LT(steps, 100U);
  }
}

TEST_P(Merge, WhatIsThereIsNotWrittenAgain) {
  const Chain chain = GetParam().make();
  RecordingFile file(chain.parent);
  ASSERT_TRUE(merge_all(chain, file));
  std::size_t bytes = 0;
  const std::size_t first = file.events.size();
  ASSERT_TRUE(merge_all(chain, file));
  for (std::size_t i = first; i < file.events.size(); ++i) bytes += file.events[i].data.size();
  EXPECT_LE(bytes, 4U * 4096) << "headers at most";
  EXPECT_EQ(file.events.back().kind, test::Event::Kind::Flush);
}

TEST_P(Merge, ThePlanSaysWhatItTakes) {
  const Chain chain = GetParam().make();
  const auto child = open_chain(chain, chain.parent);
  ASSERT_TRUE(child) << child.error().message();
  const auto plan = plan_merge(**child);
  ASSERT_TRUE(plan) << plan.error().message();
  SparseFile parent = chain.parent;
  const std::uint64_t had = (*child)->parent()->info().allocated_blocks;
  std::uint64_t told = 0;
  ASSERT_TRUE(merge_all(chain, parent, [&](std::uint64_t bytes) {
    told += bytes;
    return true;
  }));
  EXPECT_EQ(told, plan->bytes);
  const auto merged = open_alone(chain, parent);
  ASSERT_TRUE(merged) << merged.error().message();
  EXPECT_EQ((*merged)->info().allocated_blocks, had + plan->new_blocks);
  EXPECT_EQ((*merged)->info().link_id, kParent) << "the child must find it until it goes";
  EXPECT_TRUE(check_merged(**merged, **child, kGoOn));
}

INSTANTIATE_TEST_SUITE_P(All, Merge, ::testing::ValuesIn(scenarios()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(MergeOf, WhatOthersKnowItByChangesAtTheEnd) {
  const Chain chain = vhdx_chain();
  const std::string before = contents(open_chain(chain, chain.parent));
  SparseFile parent = chain.parent;
  ASSERT_TRUE(merge_all(chain, parent));
  RecordingFile file(parent);
  ASSERT_TRUE(attach_vhdx(file, kLastGuids));
  const auto explored = test::explore(parent, file.events, [&](const Overlay& state, std::size_t) -> std::string {
    return contents(open_alone(chain, state)) == before ? "" : "it reads otherwise";
  });
  EXPECT_EQ(explored.fault, "");
  EXPECT_THAT(open_chain(chain, file.now()), Fails(Code::Corrupt, "another image"));
}

TEST(MergeOf, WhatWasNotWrittenIsNoticed) {
  const Chain chain = vhdx_chain();
  const auto child = open_chain(chain, chain.parent);
  const auto unmerged = open_alone(chain, chain.parent);
  ASSERT_TRUE(child && unmerged);
  EXPECT_THAT(check_merged(**unmerged, **child, kGoOn), Fails(Code::Corrupt, "not in the parent"));
}

TEST(MergeOf, ZerosTakeNoPlaceWhereTheParentHasNone) {
  const Chain chain = vhdx_chain();
  const auto child = open_chain(chain, chain.parent);
  ASSERT_TRUE(child);
  // Blocks 1, 4 and 6; not 5, which is zeros in both.
  EXPECT_EQ(plan_merge(**child)->new_blocks, 3U);
}

TEST(MergeOf, WhatCannotBe) {
  const Chain chain = vhdx_chain();
  const auto alone = open_disk(chain.child, "child");
  ASSERT_TRUE(alone);
  EXPECT_THAT(plan_merge(**alone), Fails(Code::Invalid, "no parent"));

  SparseFile full = test::vhdx_of({.disk = 6 * kMiB + kMiB / 2, .block = kMiB, .id = kParent, .every = kEvery});
  EXPECT_THAT(merge_all(chain, full), Fails(Code::Invalid, "room for 0 more blocks only"));

  const SparseFile small = test::vhdx_of({.disk = 5 * kMiB, .block = kMiB, .id = kParent, .every = kEvery});
  EXPECT_THAT(plan_merge(*open_chain(chain, small).value()), Fails(Code::Unsupported, "merge it in Windows"));
}

}  // namespace
}  // namespace vhdboot::vhd
