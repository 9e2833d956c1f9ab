// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/roll_back.h"

#include <gtest/gtest.h>

#include "tests/unit/base/error_matchers.h"
#include "tests/unit/vhd/chain_images.h"
#include "tests/unit/vhd/crash_explorer.h"
#include "vhd/disk.h"

namespace vhdboot::vhd {
namespace {

using test::Fails;
using test::ImageSpec;
using test::Overlay;
using test::RecordingFile;
using test::SparseFile;

constexpr Guid kBase = "bbbbbbbb-0000-4000-8000-000000000001"_guid;
constexpr Guid kOld = "bbbbbbbb-0000-4000-8000-000000000002"_guid;
constexpr Guid kLog = "aaaaaaaa-0000-4000-8000-0000000000ff"_guid;
constexpr AttachGuids kGuids{"aaaaaaaa-0000-4000-8000-000000000001"_guid, "aaaaaaaa-0000-4000-8000-000000000002"_guid};

SparseFile base() {
  return test::vhdx_of({.disk = 6 * kMiB, .block = kMiB, .id = kBase, .blocks = {{0, {}}, {3, {}}}, .every = 64});
}

// With some blocks of its own, one of them in part, and as many free MiB, which are not zeros.
SparseFile child(std::uint64_t reserve) {
  ImageSpec spec{
      .disk = 6 * kMiB, .block = kMiB, .id = kOld, .parent = kBase, .blocks = {{0, {}}, {4, {}}}, .every = 64};
  spec.blocks[1] = [](std::uint64_t sector) { return sector > 1000; };
  spec.mark = 'c';
  SparseFile file = test::vhdx_of(spec);
  const std::uint64_t size = file.size();
  file.resize(size + reserve).value();
  for (std::uint64_t at = size; at < file.size(); at += kMiB / 4) file.put(at, "junk");
  return file;
}

// The sectors of it in which something is; nothing when it cannot be read.
std::vector<std::byte> contents(const ByteSource& disk) {
  std::vector<std::byte> bytes;
  std::vector<std::byte> sector(512);
  for (std::uint64_t at = 0; at < disk.size(); at += 64 * sector.size()) {
    if (!disk.read(at, sector)) return {};
    bytes.insert(bytes.end(), sector.begin(), sector.end());
  }
  return bytes;
}

std::vector<std::byte> contents(const ByteSource& file, const SparseFile& parent) {
  const auto disk = open_disk(file, "it", [&](std::string_view, std::string_view) -> Result<OpenedFile> {
    return OpenedFile{"base", std::make_unique<SliceSource>(parent, 0, parent.size()), std::nullopt};
  });
  return disk ? contents(**disk) : std::vector<std::byte>();
}

TEST(RollBack, AtAnyCutTheDiskIsTheOldOneOrItsParents) {
  const SparseFile parent = base();
  const SparseFile start = child(2 * kMiB);
  const auto before = contents(start, parent);
  const auto after = contents(*open_disk(parent, "base").value());
  ASSERT_NE(before, after);
  RecordingFile file(start);
  auto writer = VhdxWriter::open(file, kGuids, kLog);
  ASSERT_TRUE(writer) << writer.error().message();
  const auto done = roll_back(file, **writer);
  ASSERT_TRUE(done) << done.error().message();
  const auto explored = test::explore(start, file.events, [&](const Overlay& state, std::size_t) -> std::string {
    const auto now = contents(state, parent);
    if (now.empty()) return "it does not open";
    return now == before || now == after ? "" : "it is neither";
  });
  EXPECT_GT(explored.states, 30U);
  EXPECT_EQ(explored.fault, "");
  EXPECT_EQ(contents(file.now(), parent), after);
  const auto disk = open_disk(file.now(), "it");
  ASSERT_TRUE(disk);
  EXPECT_EQ((*disk)->info().allocated_blocks, 0U);
  EXPECT_EQ((*disk)->info().link_id, kGuids.data_write) << "what stands on it knows it no more";
  EXPECT_FALSE((*disk)->info().log_dirty);
  EXPECT_EQ(file.now().size(), start.size());
}

TEST(RollBack, ItsSpaceIsFreeAgain) {
  SparseFile file = child(kMiB);
  const std::uint64_t reserve = open_disk(file, "it").value()->info().reserve;
  for (int i = 0; i < 3; ++i) {
    auto writer = VhdxWriter::open(file, kGuids, kLog);
    ASSERT_TRUE(writer) << writer.error().message();
    ASSERT_TRUE(roll_back(file, **writer));
  }
  // The three blocks and the sector bitmap.
  EXPECT_EQ(open_disk(file, "it").value()->info().reserve, reserve + 4 * kMiB);
}

TEST(RollBack, WhatCannotBe) {
  SparseFile full = child(0);
  auto writer = VhdxWriter::open(full, kGuids, kLog);
  ASSERT_TRUE(writer);
  EXPECT_THAT(roll_back(full, **writer), Fails(Code::Invalid, "no free place of 1 MiB"));
  SparseFile alone = base();
  writer = VhdxWriter::open(alone, kGuids, kLog);
  ASSERT_TRUE(writer);
  EXPECT_THAT(roll_back(alone, **writer), Fails(Code::Invalid, "no parent"));
}

}  // namespace
}  // namespace vhdboot::vhd
