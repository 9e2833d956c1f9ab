// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/vhd/sparse_images.h"
#include "vhd/vhdx_log.h"

namespace vhdboot::vhd {
namespace {

using test::SparseFile;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::byte> all_of(const ByteSource& source) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(source.size()));
  EXPECT_TRUE(source.read(0, bytes));
  return bytes;
}

std::string refusal(const ByteSource& file, Code code = Code::Corrupt) {
  const auto disk = open_disk(file, "image");
  if (disk) return "accepted";
  EXPECT_EQ(disk.error().code, code) << disk.error().message();
  return disk.error().message();
}

// --- dynamic VHD

TEST(DynamicVhd, SectorsByTheBitmapAndZerosElsewhere) {
  const SparseFile file = test::dynamic_vhd();
  const auto disk = open_disk(file, "image");
  ASSERT_TRUE(disk) << disk.error().message();
  EXPECT_EQ((*disk)->info().format, Format::DynamicVhd);
  EXPECT_EQ((*disk)->info().allocated_blocks, 1u);
  EXPECT_EQ((*disk)->info().uuid, test::kDiskUuid);
  const auto bytes = all_of(**disk);
  ASSERT_EQ(bytes.size(), 64 * kKiB);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const std::size_t sector = at / 512;
    const bool held = sector >= 16 && sector < 32 && sector != 17;
    ASSERT_EQ(bytes[at], held ? static_cast<std::byte>(sector) : std::byte{0}) << at;
  }
}

TEST(DynamicVhd, OddPiecesGiveTheSame) {
  const SparseFile file = test::dynamic_vhd();
  const auto disk = open_disk(file, "image");
  ASSERT_TRUE(disk);
  const auto bytes = all_of(**disk);
  for (const std::size_t at : {0u, 8191u, 8192u, 8700u, 9215u, 16000u, 65535u})
    for (const std::size_t count : {1u, 511u, 513u, 9000u}) {
      std::vector<std::byte> part(std::min(count, bytes.size() - at));
      ASSERT_TRUE((*disk)->read(at, part));
      EXPECT_TRUE(std::equal(part.begin(), part.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at))) << at;
    }
  std::vector<std::byte> past(2);
  EXPECT_FALSE((*disk)->read(65535, past));
}

TEST(DynamicVhd, Refusals) {
  const auto with = [](auto change) {
    SparseFile file = test::dynamic_vhd();
    change(file);
    return refusal(file);
  };
  EXPECT_THAT(with([](SparseFile& f) { f.put(600, "x"); }), HasSubstr("checksum"));
  EXPECT_THAT(with([](SparseFile& f) { test::put_be<std::uint32_t>(f, test::kDynamicTable, 20); }),
              HasSubstr("outside"));
  EXPECT_THAT(with([](SparseFile& f) { test::put_be<std::uint32_t>(f, test::kDynamicTable, 8); }),
              HasSubstr("same place"));
  EXPECT_THAT(with([](SparseFile& f) { test::put_be<std::uint32_t>(f, test::kDynamicTable, 2); }),
              HasSubstr("headers"));
  EXPECT_THAT(with([](SparseFile& f) {
                test::put_be<std::uint32_t>(f, 512 + 28, 7);
                test::seal_dynamic_header(f);
              }),
              HasSubstr("7 entries"));
  EXPECT_THAT(with([](SparseFile& f) {
                test::put_be<std::uint64_t>(f, 512 + 16, ~std::uint64_t{0} - 3);
                test::seal_dynamic_header(f);
              }),
              HasSubstr("outside"));
  SparseFile odd = test::dynamic_vhd();
  test::put_be<std::uint32_t>(odd, 512 + 32, 8191);
  test::seal_dynamic_header(odd);
  EXPECT_THAT(refusal(odd, Code::Unsupported), HasSubstr("8191"));
}

TEST(DynamicVhd, TheCopyOfTheFooterIsUsedWithAWarning) {
  SparseFile file = test::dynamic_vhd();
  file.put(file.size() - 200, "x");
  const auto disk = open_disk(file, "image");
  ASSERT_TRUE(disk) << disk.error().message();
  EXPECT_THAT((*disk)->info().warnings, ElementsAre(HasSubstr("footer")));
}

// --- chains

OpenParent parent_is(const SparseFile& parent, std::vector<std::string>* asked = nullptr) {
  return [&parent, asked](std::string_view child, std::string_view path) -> Result<OpenedFile> {
    if (asked != nullptr) asked->push_back(std::string(child) + " " + std::string(path));
    return OpenedFile{"parent", std::make_unique<SliceSource>(parent, 0, parent.size()), std::nullopt};
  };
}

SparseFile parent_vhd(const Guid& uuid) {
  SparseFile file(64 * kKiB);
  for (std::uint64_t at = 0; at < file.size(); at += 512) file.put(at, std::vector<std::byte>(512, std::byte{0x77}));
  file.put(64 * kKiB, serialise(*make_fixed_footer(64 * kKiB, uuid, 0)));
  return file;
}

TEST(DifferencingVhd, WhatItLacksComesFromTheParent) {
  const SparseFile child = test::dynamic_vhd(DiskType::Differencing);
  const SparseFile parent = parent_vhd(test::kParentUuid);
  std::vector<std::string> asked;
  const auto disk = open_disk(child, "child", parent_is(parent, &asked));
  ASSERT_TRUE(disk) << disk.error().message();
  EXPECT_THAT(asked, ElementsAre("child .\\base.vhd"));
  const auto bytes = all_of(**disk);
  EXPECT_EQ(bytes[0], std::byte{0x77});
  EXPECT_EQ(bytes[16 * 512], std::byte{16});
  EXPECT_EQ(bytes[17 * 512], std::byte{0x77});
  EXPECT_EQ(bytes[32 * 512], std::byte{0x77});
}

TEST(DifferencingVhd, AnotherParentIsRefused) {
  const SparseFile child = test::dynamic_vhd(DiskType::Differencing);
  const SparseFile other = parent_vhd(test::kDiskUuid);
  const auto disk = open_disk(child, "child", parent_is(other));
  ASSERT_FALSE(disk);
  EXPECT_THAT(disk.error().message(), HasSubstr("another image"));
}

TEST(DifferencingVhd, AloneItOpensAndReadsOnlyWhatItHas) {
  const SparseFile child = test::dynamic_vhd(DiskType::Differencing);
  const auto disk = open_disk(child, "child");
  ASSERT_TRUE(disk);
  std::vector<std::byte> sector(512);
  EXPECT_TRUE((*disk)->read(16 * 512, sector));
  const auto absent = (*disk)->read(0, sector);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Code::NotFound);
}

TEST(DifferencingVhd, ACircleEnds) {
  const SparseFile child = test::dynamic_vhd(DiskType::Differencing);
  const auto disk = open_disk(child, "child", parent_is(child));
  ASSERT_FALSE(disk);
  EXPECT_THAT(disk.error().message(), HasSubstr("more than 63 parents"));
}

TEST(DifferencingVhd, PathsOfWindows) {
  EXPECT_EQ(local_parent_path(".\\base.vhd"), "base.vhd");
  EXPECT_EQ(local_parent_path("..\\a\\b.vhd"), "../a/b.vhd");
  EXPECT_EQ(local_parent_path("C:\\a\\b.vhd"), "b.vhd");
  EXPECT_EQ(local_parent_path("\\\\?\\Volume{1}\\a\\b.vhdx"), "b.vhdx");
  EXPECT_EQ(local_parent_path("C:\\"), "");
}

// --- VHDX

TEST(Vhdx, BlocksByTheTable) {
  const SparseFile file = test::vhdx();
  const auto disk = open_disk(file, "image");
  ASSERT_TRUE(disk) << disk.error().message();
  EXPECT_EQ((*disk)->info().uuid, test::kDiskUuid);
  EXPECT_FALSE((*disk)->info().log_dirty);
  const auto bytes = all_of(**disk);
  ASSERT_EQ(bytes.size(), 4 * kMiB);
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), std::byte{'x'}), static_cast<std::ptrdiff_t>(kMiB));
  EXPECT_EQ(bytes[2 * kMiB], std::byte{'x'});
  EXPECT_EQ(bytes[3 * kMiB], std::byte{0});
}

TEST(Vhdx, OneCopyOfEachStructureIsEnough) {
  SparseFile file = test::vhdx();
  file.put(64 * kKiB + 3000, "damage");
  file.put(192 * kKiB + 3000, "damage");
  EXPECT_TRUE(open_disk(file, "image"));
  SparseFile headers = test::vhdx();
  headers.put(64 * kKiB + 3000, "damage");
  headers.put(128 * kKiB + 3000, "damage");
  EXPECT_THAT(refusal(headers), HasSubstr("both headers"));
  SparseFile regions = test::vhdx();
  regions.put(192 * kKiB + 3000, "damage");
  regions.put(256 * kKiB + 3000, "damage");
  EXPECT_THAT(refusal(regions), HasSubstr("both region tables"));
}

TEST(Vhdx, Refusals) {
  const auto entry = [](std::uint64_t block, std::uint64_t value) {
    SparseFile file = test::vhdx();
    test::put_le<std::uint64_t>(file, test::kVhdxBat + 8 * block, value);
    return refusal(file);
  };
  EXPECT_THAT(entry(0, 4 * kMiB | 6), HasSubstr("something else"));
  EXPECT_THAT(entry(0, test::kVhdxBat | 6), HasSubstr("something else"));
  EXPECT_THAT(entry(0, kMiB | 6), HasSubstr("something else"));
  EXPECT_THAT(entry(0, 6), HasSubstr("outside"));
  EXPECT_THAT(entry(3, 5 * kMiB | 6), HasSubstr("block 3"));
  EXPECT_THAT(entry(3, ~std::uint64_t{0} << 20 | 6), HasSubstr("outside"));
  EXPECT_THAT(entry(0, 7), HasSubstr("no parent"));
  EXPECT_THAT(entry(0, 4), HasSubstr("state 4"));
  const auto parameter = [](std::uint64_t at, std::uint64_t value) {
    SparseFile file = test::vhdx();
    test::put_le<std::uint64_t>(file, at, value);
    return refusal(file);
  };
  EXPECT_THAT(parameter(test::kVhdxBlockSize, 3 * kMiB), HasSubstr("power of two"));
  EXPECT_THAT(parameter(test::kVhdxBlockSize, 512 * kMiB), HasSubstr("power of two"));
  EXPECT_THAT(parameter(test::kVhdxBlockSize, kMiB | std::uint64_t{2} << 32), HasSubstr("parent locator"));
  EXPECT_THAT(parameter(test::kVhdxDiskSize, 0), HasSubstr("disk of 0"));
  EXPECT_THAT(parameter(test::kVhdxDiskSize, 65 * kTiB), HasSubstr("64 TiB"));
  EXPECT_THAT(parameter(test::kVhdxDiskSize, kTiB), HasSubstr("room for"));
  EXPECT_THAT(parameter(test::kVhdxMetadata + 32 + 16, 0xFFFFFFFF), HasSubstr("misplaced"));
}

TEST(Vhdx, StatesThatReadAsZeros) {
  for (const std::uint64_t state : {0, 1, 2, 3, 5}) {
    SparseFile file = test::vhdx();
    test::put_le<std::uint64_t>(file, test::kVhdxBat + 16, 4 * kMiB | state);
    const auto disk = open_disk(file, "image");
    ASSERT_TRUE(disk) << disk.error().message();
    EXPECT_EQ(all_of(**disk), std::vector<std::byte>(4 * kMiB)) << state;
  }
}

TEST(VhdxLog, IsReadAsReplayed) {
  SparseFile file = test::vhdx();
  test::put_log_entry(file, 0, 100, 0, 4 * kMiB, 'a');
  test::put_log_entry(file, 8192, 101, 0, 4 * kMiB + 8192, 'b');
  test::put_log_entry(file, 16384, 102, 0, 4 * kMiB, 'c');
  // The number is not the next one: not of this sequence.
  test::put_log_entry(file, 24576, 104, 0, 4 * kMiB, 'd');
  test::mark_dirty(file);
  const auto disk = open_disk(file, "image");
  ASSERT_TRUE(disk) << disk.error().message();
  EXPECT_TRUE((*disk)->info().log_dirty);
  EXPECT_EQ((*disk)->info().log_entries, 3u);
  const auto bytes = all_of(**disk);
  const auto part = [&](std::size_t from) { return std::string(1, static_cast<char>(bytes[2 * kMiB + from])); };
  EXPECT_EQ(part(0) + part(4095) + part(4096) + part(8192) + part(12287) + part(12288), "ccxbbx");
  EXPECT_EQ(file.writes_done, 0u);
}

TEST(VhdxLog, ASequenceBeginsAtTheTailOfItsHead) {
  SparseFile file = test::vhdx();
  test::put_log_entry(file, 0, 100, 0, 4 * kMiB, 'a');
  test::put_log_entry(file, 8192, 101, 8192, 4 * kMiB + 4096, 'b');
  test::mark_dirty(file);
  const auto header = read_vhdx_header(file);
  ASSERT_TRUE(header);
  const auto replay = read_vhdx_log(file, *header);
  ASSERT_TRUE(replay);
  ASSERT_EQ(replay->writes.size(), 1u) << "what was written before the tail is in the file";
  EXPECT_EQ(replay->writes[0].offset, 4 * kMiB + 4096);
}

TEST(VhdxLog, Refusals) {
  SparseFile empty = test::vhdx();
  test::mark_dirty(empty);
  EXPECT_THAT(refusal(empty), HasSubstr("no valid entry"));
  SparseFile torn = test::vhdx();
  test::put_log_entry(torn, 0, 100, 0, 4 * kMiB, 'a');
  torn.put(kMiB + 5000, "x");
  test::mark_dirty(torn);
  EXPECT_THAT(refusal(torn), HasSubstr("no valid entry"));
  SparseFile tail = test::vhdx();
  test::put_log_entry(tail, 0, 100, 4096, 4 * kMiB, 'a');
  test::mark_dirty(tail);
  EXPECT_THAT(refusal(tail), HasSubstr("no valid entry"));
  SparseFile cut = test::vhdx();
  test::put_log_entry(cut, 0, 100, 0, 4 * kMiB, 'a');
  test::put_le<std::uint64_t>(cut, kMiB + 48, 6 * kMiB);
  test::seal_le(cut, kMiB, 8192);
  test::mark_dirty(cut);
  EXPECT_THAT(refusal(cut), HasSubstr("missing"));
}

TEST(VhdxLog, ZerosAreCutByWhatComesLater) {
  const SparseFile file(64 * kKiB);
  LogReplay replay;
  replay.file_size = 128 * kKiB;
  replay.writes.push_back({4096, 5 * 4096, {}});
  replay.writes.push_back({8192, 4096, std::vector<std::byte>(4096, std::byte{'a'})});
  replay.writes.push_back({16384, 4096, std::vector<std::byte>(4096, std::byte{'b'})});
  replay.writes.push_back({16384, 16384, {}});
  const ReplayedFile replayed(file, replay);
  EXPECT_EQ(replayed.size(), 128 * kKiB);
  std::vector<std::byte> expected(128 * kKiB);
  std::fill_n(expected.begin() + 8192, 4096, std::byte{'a'});
  EXPECT_EQ(all_of(replayed), expected);
}

}  // namespace
}  // namespace vhdboot::vhd
