// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/gpt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "disk/mbr.h"
#include "tests/unit/vhd/disks.h"

namespace vhdboot::disk {
namespace {

using test::GptSpec;
using test::SparseFile;
using ::testing::HasSubstr;

class GptOfBlock : public ::testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Blocks, GptOfBlock, ::testing::Values(512u, 4096u));

TEST_P(GptOfBlock, IsRead) {
  const std::uint32_t block = GetParam();
  const SparseFile disk = test::gpt_image(16 * kMiB, block);
  const auto gpt = read_gpt(disk);
  ASSERT_TRUE(gpt) << gpt.error().message();
  ASSERT_TRUE(*gpt);
  EXPECT_EQ((*gpt)->block, block);
  EXPECT_EQ((*gpt)->disk_end(), 16 * kMiB);
  EXPECT_EQ((*gpt)->partitions_end, 128 * std::uint64_t{block});
}

TEST(PrimaryGpt, IsAbsentWhereThereIsNone) {
  for (const std::uint64_t size : {0u, 512u, 1024u, 1048576u}) {
    const auto gpt = read_gpt(SparseFile(size));
    ASSERT_TRUE(gpt) << size;
    EXPECT_FALSE(*gpt) << size;
  }
}

TEST(PrimaryGpt, EveryBrokenByteOfHeaderOrEntriesIsNoticed) {
  const SparseFile good = test::gpt_image(kMiB);
  for (std::uint64_t offset = 512; offset < 512 + 92; ++offset) {
    SparseFile bad = good;
    bad.put(offset, std::vector{good.bytes(offset, 1)[0] ^ std::byte{1}});
    const auto gpt = read_gpt(bad);
    if (offset < 512 + 8)
      EXPECT_TRUE(gpt && !*gpt) << offset;
    else
      EXPECT_FALSE(gpt) << offset;
  }
  SparseFile bad = good;
  bad.put(1024 + 60, "x");
  EXPECT_FALSE(read_gpt(bad));
}

// Headers that lie although their checksums are right.
void expect_damaged(const GptSpec& spec, std::size_t offset, std::uint64_t value, std::size_t width,
                    std::string_view why) {
  SparseFile disk(spec.disk_size);
  test::put_gpt(disk, spec);
  auto header = test::gpt_header(spec, true);
  for (std::size_t i = 0; i < width; ++i) header[offset + i] = static_cast<std::byte>(value >> (8 * i));
  static_cast<void>(store_le<std::uint32_t>(header, 16, 0u));
  static_cast<void>(store_le<std::uint32_t>(header, 16, crc32(Bytes(header).first(92))));
  disk.put(512, header);
  const auto gpt = read_gpt(disk);
  ASSERT_FALSE(gpt) << why;
  EXPECT_EQ(gpt.error().code, Code::Corrupt);
  EXPECT_THAT(gpt.error().text, HasSubstr("gdisk"));
}

TEST(PrimaryGpt, LiesAreNoticed) {
  const GptSpec spec{.disk_size = 16 * kMiB};
  expect_damaged(spec, 12, 91, 4, "header shorter than its fields");
  expect_damaged(spec, 12, 513, 4, "header longer than its block");
  expect_damaged(spec, 24, 2, 8, "not where it says");
  expect_damaged(spec, 32, ~std::uint64_t{0}, 8, "alternate that overflows");
  expect_damaged(spec, 48, 16 * kMiB / 512, 8, "room behind the backup");
  expect_damaged(spec, 40, 65, 8, "partition before the room");
  expect_damaged(spec, 48, 126, 8, "partition behind the room");
  expect_damaged(spec, 72, 1, 8, "entries on the header");
  expect_damaged(spec, 72, ~std::uint64_t{0}, 8, "entries that overflow");
  expect_damaged(spec, 80, 0, 4, "no entries");
  expect_damaged(spec, 80, 0xFFFFFFFF, 4, "too many entries");
  expect_damaged(spec, 84, 64, 4, "short entries");
  expect_damaged(spec, 84, 0xFFFFFFF8, 4, "long entries");
}

TEST(PrimaryGpt, APartitionThatEndsBeforeItBeginsIsNoticed) {
  SparseFile disk(kMiB);
  test::put_gpt(disk, {.disk_size = kMiB, .first = 100, .last = 99});
  EXPECT_FALSE(read_gpt(disk));
}

SparseFile after(SparseFile disk, const std::vector<DiskWrite>& writes) {
  for (const DiskWrite& write : writes) disk.put(write.offset, write.data);
  return disk;
}

TEST_P(GptOfBlock, MovedBackupIsWhatAFreshTableWouldBe) {
  const std::uint32_t block = GetParam();
  SparseFile disk = test::gpt_image(16 * kMiB, block);
  ASSERT_TRUE(disk.resize(64 * kMiB));
  const auto gpt = read_gpt(disk).value().value();
  EXPECT_TRUE(backup_is_inside(gpt, 64 * kMiB));
  const auto writes = move_backup(disk, gpt, 64 * kMiB);
  ASSERT_TRUE(writes) << writes.error().message();
  EXPECT_EQ(writes->back().offset, block);

  SparseFile expected = test::gpt_image(64 * kMiB, block);
  const std::size_t array = align_up(128 * 128, block);
  // Only the old entries, which no header names any more, are left of the old backup.
  expected.put(16 * kMiB - block - array, test::gpt_entries({.block = block}));
  EXPECT_TRUE(after(disk, *writes) == expected);
}

TEST_P(GptOfBlock, BackupAtTheEndStays) {
  const SparseFile disk = test::gpt_image(16 * kMiB, GetParam());
  const auto gpt = read_gpt(disk).value().value();
  EXPECT_FALSE(backup_is_inside(gpt, 16 * kMiB));
  const auto writes = move_backup(disk, gpt, 16 * kMiB);
  ASSERT_TRUE(writes);
  EXPECT_TRUE(writes->empty());
}

TEST(PrimaryGpt, MovesByLessThanTheSizeOfTheTable) {
  for (std::uint64_t sectors = 1; sectors <= 70; ++sectors) {
    const std::uint64_t size = kMiB + sectors * 512;
    SparseFile disk = test::gpt_image(kMiB);
    ASSERT_TRUE(disk.resize(size));
    const auto writes = move_backup(disk, read_gpt(disk).value().value(), size);
    ASSERT_TRUE(writes) << writes.error().message();
    const SparseFile moved = after(disk, *writes);
    EXPECT_EQ(moved.bytes(512, 512), test::gpt_header({.disk_size = size}, true)) << sectors;
    EXPECT_EQ(moved.bytes(size - 512, 512), test::gpt_header({.disk_size = size}, false)) << sectors;
    EXPECT_EQ(moved.bytes(size - 33 * 512, 32 * 512), test::gpt_entries({.disk_size = size})) << sectors;
  }
}

TEST(PrimaryGpt, NoRoomForTheBackupIsRefused) {
  const SparseFile disk = test::gpt_image(kMiB);
  const auto gpt = read_gpt(disk).value().value();
  EXPECT_TRUE(move_backup(disk, gpt, (128 + 33) * 512));
  for (const std::uint64_t size : {(128 + 33) * 512 - 512, 512, 0}) EXPECT_FALSE(move_backup(disk, gpt, size)) << size;
}

TEST(PrimaryGpt, HybridMbrStays) {
  SparseFile disk = test::gpt_image(16 * kMiB);
  auto hybrid = test::mbr(0xEE, 1, 63);
  hybrid[446 + 16 + 4] = std::byte{0x83};
  disk.put(0, hybrid);
  ASSERT_TRUE(disk.resize(64 * kMiB));
  const auto writes = move_backup(disk, read_gpt(disk).value().value(), 64 * kMiB);
  ASSERT_TRUE(writes);
  EXPECT_EQ(after(disk, *writes).bytes(0, 512), hybrid);
}

TEST(MbrEnd, EndOfTheLastPartition) {
  SparseFile disk(16 * kMiB);
  disk.put(0, test::mbr(0x83, 2048, 1000));
  EXPECT_EQ(mbr_partitions_end(disk).value(), (2048 + 1000) * 512u);
  disk.put(0, test::mbr(0x0F, 0xFFFFFFFF, 0xFFFFFFFF));
  EXPECT_EQ(mbr_partitions_end(disk).value(), 2 * 0xFFFFFFFFull * 512);
}

TEST(MbrEnd, BootSectorsOfFileSystemsAndProtectiveOnesHaveNone) {
  SparseFile disk(16 * kMiB);
  EXPECT_EQ(mbr_partitions_end(disk).value(), 0u);
  disk.put(0, test::mbr(0xEE, 1, 5000));
  EXPECT_EQ(mbr_partitions_end(disk).value(), 0u);
  auto text = test::mbr(0x83, 2048, 1000);
  text[446] = std::byte{'N'};
  disk.put(0, text);
  EXPECT_EQ(mbr_partitions_end(disk).value(), 0u);
  EXPECT_EQ(mbr_partitions_end(SparseFile(100)).value(), 0u);
}

}  // namespace
}  // namespace vhdboot::disk
