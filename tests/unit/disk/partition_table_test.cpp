// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/partition_table.h"

#include <algorithm>

#include "base/crc32.h"
#include "base/text.h"
#include "base/units.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/disk/disk_image.h"

namespace vhdboot::disk {
namespace {

using test::Disk;
using test::make_disk;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using vhdboot::test::Fails;

constexpr const char* kRootUuid = "11111111-2222-3333-4455-66778899aabb";
constexpr const char* kDiskUuid = "89abcdef-0123-4567-89ab-cdef01234567";

Result<PartitionTable> read(const Disk& disk, std::optional<std::uint32_t> block = std::nullopt) {
  const MemorySource source(disk);
  return read_partition_table(source, block);
}

template <class T>
void put(Disk& disk, std::size_t at, T value) {
  if (!store_le<T>(disk, at, value)) std::abort();
}

class Gpt : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::have_in_sbin("sgdisk")) GTEST_SKIP() << "sgdisk is missing";
    // sgdisk waits until all disks of the machine are written: once is enough.
    static const auto disk =
        make_disk(8 * kMiB, std::string("sgdisk -U ") + kDiskUuid +
                                " -n 1:2048:4095 -t 1:ef00 -c 1:'EFI System' -u 1:00000000-1111-2222-3333-444444444444"
                                " -n 2:4096:8191 -t 2:8304 -c 2:Wurzel-\xC3\xB6 -A 2:set:59 -u 2:" +
                                kRootUuid + " -n 7:8192:0 -t 7:ea00 $DISK");
    ASSERT_TRUE(disk);
    disk_ = *disk;
  }
  /// Makes the header at `at` right again after a field was changed.
  void seal(std::size_t at) {
    put<std::uint32_t>(disk_, at + 16, 0);
    put<std::uint32_t>(disk_, at + 16, crc32(Bytes(disk_).subspan(at, 92)));
  }
  Disk disk_;
};

TEST_F(Gpt, AsSgdiskWroteIt) {
  const auto table = read(disk_);
  ASSERT_TRUE(table) << table.error().text;
  EXPECT_EQ(table->scheme, Scheme::Gpt);
  EXPECT_EQ(table->logical_block, 512u);
  EXPECT_EQ(table->disk_id, kDiskUuid);
  EXPECT_FALSE(table->backup_used);
  EXPECT_THAT(table->warnings, IsEmpty());
  ASSERT_EQ(table->partitions.size(), 3u);
  const auto& esp = table->partitions[0];
  EXPECT_EQ(esp, (Partition{.number = 1,
                            .start = 2048 * 512,
                            .length = 2048 * 512,
                            .type = kEspType,
                            .partuuid = "00000000-1111-2222-3333-444444444444",
                            .name = "EFI System"}));
  const auto& root = table->partitions[1];
  EXPECT_EQ(root, (Partition{.number = 2,
                             .start = 4096 * 512,
                             .length = 4096 * 512,
                             .type = kRootX8664Type,
                             .partuuid = kRootUuid,
                             .name = "Wurzel-\xC3\xB6",
                             .attributes = 1ULL << 59}));
  EXPECT_EQ(table->partitions[2].number, 7u);
  EXPECT_EQ(table->partitions[2].start + table->partitions[2].length, (8 * kMiB / 512 - 33) * 512)
      << "sgdisk aligns the end to nothing: up to the last usable sector";

  EXPECT_EQ(find_esp(*table), &esp);
  EXPECT_EQ(find_xbootldr(*table), &table->partitions[2]);
  EXPECT_EQ(find_by_type(*table, kRootX8664Type), &root);
  EXPECT_EQ(find_by_type(*table, kUsrX8664Type), nullptr);
  EXPECT_EQ(find_by_number(*table, 7), &table->partitions[2]);
  EXPECT_EQ(find_by_number(*table, 3), nullptr);
  EXPECT_EQ(find_by_partuuid(*table, to_lower_ascii(kRootUuid)), &root);
  EXPECT_EQ(find_by_partuuid(*table, "11111111-2222-3333-4455-66778899AABB"), &root);
  EXPECT_EQ(find_by_partuuid(*table, ""), nullptr);
}

TEST_F(Gpt, ADamagedPrimaryIsReplacedByTheBackup) {
  const auto good = read(disk_)->partitions;
  struct Damage {
    std::size_t at;
    const char* named;
  };
  // The signature, the header, the entries.
  for (const auto& [at, named] :
       {Damage{512, "no header"}, Damage{512 + 60, "header checksum"}, Damage{1024 + 200, "checksum of the entries"}}) {
    Disk damaged = disk_;
    damaged[at] ^= std::byte{1};
    const auto table = read(damaged);
    ASSERT_TRUE(table) << table.error().text;
    EXPECT_TRUE(table->backup_used);
    EXPECT_EQ(table->partitions, good);
    EXPECT_THAT(table->warnings, ElementsAre(HasSubstr(named)));
  }
}

TEST_F(Gpt, BothDamaged) {
  disk_[512 + 60] ^= std::byte{1};
  disk_[disk_.size() - 512 + 60] ^= std::byte{1};
  EXPECT_THAT(read(disk_), Fails(Code::Corrupt, "the GPT is damaged (header checksum) and there is no good copy"));
  std::fill_n(disk_.begin() + 512, 512, std::byte{0});
  EXPECT_THAT(read(disk_), Fails(Code::Corrupt, "a protective MBR but no GPT"));
}

TEST_F(Gpt, AnImageWithItsEndCutOff) {
  disk_.resize(6 * kMiB);
  const auto table = read(disk_);
  ASSERT_TRUE(table) << table.error().text;
  EXPECT_FALSE(table->backup_used);
  ASSERT_EQ(table->partitions.size(), 2u);
  EXPECT_THAT(table->warnings,
              ElementsAre(HasSubstr("partition 7 lies in blocks 8192 to 16350 of a disk with 12288"), table->unseen));
  EXPECT_THAT(table->unseen,
              HasSubstr("usable blocks, and this one has 12288: Linux does not look at it. The end of the "
                        "image is missing"));
}

TEST_F(Gpt, ADiskThatWasShrunk) {
  std::fill_n(disk_.begin() + 1024 + 6 * 128, 128, std::byte{0});  // partition 7, the last one
  put<std::uint32_t>(disk_, 512 + 88, crc32(Bytes(disk_).subspan(1024, 128 * 128)));
  seal(512);
  EXPECT_EQ(read(disk_)->unseen, "");
  disk_.resize(6 * kMiB);
  EXPECT_THAT(read(disk_)->unseen, HasSubstr("No partition reaches past the end: `raw2vhd --relocate-gpt`"));
}

TEST_F(Gpt, UsableBlocksThatCannotBe) {
  put<std::uint64_t>(disk_, 512 + 48, 33);  // before the first
  seal(512);
  EXPECT_THAT(read(disk_)->unseen, HasSubstr("says that blocks 34 to 33 may be used"));
}

TEST_F(Gpt, AnMbrWithTheEntryOfAGptElsewhere) {
  put<std::uint32_t>(disk_, 446 + 8, 2);
  const auto table = read(disk_);
  ASSERT_TRUE(table) << table.error().text;
  EXPECT_THAT(table->unseen, HasSubstr("does not begin at block 1"));
}

TEST_F(Gpt, HeadersThatCannotBe) {
  const auto damage_of = [this](std::size_t field, std::uint32_t value) {
    const Disk before = disk_;
    put<std::uint32_t>(disk_, 512 + field, value);
    seal(512);
    std::fill(disk_.end() - 512, disk_.end(), std::byte{0});
    const auto table = read(disk_);
    disk_ = before;
    return table ? "nothing" : table.error().text;
  };
  EXPECT_THAT(damage_of(12, 91), HasSubstr("a header of 91 bytes"));
  EXPECT_THAT(damage_of(12, 513), HasSubstr("a header of 513 bytes"));
  EXPECT_THAT(damage_of(12, 0xFFFFFFFF), HasSubstr("a header of 4294967295 bytes"));
  EXPECT_THAT(damage_of(24, 2), HasSubstr("belongs elsewhere"));
  EXPECT_THAT(damage_of(84, 64), HasSubstr("entries of 64 bytes"));
  EXPECT_THAT(damage_of(84, 200), HasSubstr("entries of 200 bytes"));
  EXPECT_THAT(damage_of(84, 1U << 31), HasSubstr("entries of 2147483648 bytes"));
  EXPECT_THAT(damage_of(80, 0xFFFFFFFF), HasSubstr("4294967295 entries"));
  EXPECT_THAT(damage_of(72, 16384), HasSubstr("outside of the disk"));
  EXPECT_THAT(damage_of(76, 0xFFFFFFFF), HasSubstr("outside of the disk"));
}

TEST_F(Gpt, LargerEntriesAreNotLinuxs) {
  // 64 entries of 256 bytes: each the old one and room behind it.
  Disk entries(128 * 128);
  for (std::size_t i = 0; i < 64; ++i) std::copy_n(disk_.begin() + 1024 + 128 * i, 128, entries.begin() + 256 * i);
  std::copy(entries.begin(), entries.end(), disk_.begin() + 1024);
  put<std::uint32_t>(disk_, 512 + 80, 64);
  put<std::uint32_t>(disk_, 512 + 84, 256);
  put<std::uint32_t>(disk_, 512 + 88, crc32(entries));
  seal(512);
  const auto table = read(disk_);
  ASSERT_TRUE(table);
  EXPECT_FALSE(table->backup_used);
  EXPECT_EQ(table->partitions.size(), 3u);
  EXPECT_THAT(table->unseen, HasSubstr("entries of 256 bytes, and Linux looks at those of 128 alone"));
}

TEST_F(Gpt, TheMbrDecidesWhetherLinuxLooksAtIt) {
  std::fill_n(disk_.begin(), 512, std::byte{0});
  auto table = read(disk_);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->scheme, Scheme::Gpt);
  EXPECT_THAT(table->warnings, ElementsAre(HasSubstr("no protective MBR")));

  // An MBR with a partition of its own: the GPT is an old one.
  put<std::uint16_t>(disk_, 510, 0xAA55);
  put<std::uint8_t>(disk_, 446 + 4, 0x83);
  put<std::uint32_t>(disk_, 446 + 8, 2048);
  put<std::uint32_t>(disk_, 446 + 12, 2048);
  table = read(disk_);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->scheme, Scheme::Mbr);
  EXPECT_EQ(table->partitions.size(), 1u);
  EXPECT_THAT(table->warnings, ElementsAre(HasSubstr("old GPT")));

  // A hybrid MBR: it stays a GPT.
  put<std::uint8_t>(disk_, 462 + 4, 0xEE);
  put<std::uint32_t>(disk_, 462 + 8, 1);
  put<std::uint32_t>(disk_, 462 + 12, 2047);
  EXPECT_EQ(read(disk_)->scheme, Scheme::Gpt);
}

TEST(GptOf4096, AsFdiskWroteIt) {
  if (!test::have_in_sbin("fdisk")) GTEST_SKIP() << "fdisk is missing";
  const auto disk =
      make_disk(16 * kMiB, "printf 'g\\nn\\n\\n\\n+4M\\nn\\n\\n\\n\\nw\\n' | fdisk -b 4096 -w never -W never $DISK");
  ASSERT_TRUE(disk);
  const auto table = read(*disk);
  ASSERT_TRUE(table) << table.error().text;
  EXPECT_EQ(table->logical_block, 4096u);
  ASSERT_EQ(table->partitions.size(), 2u);
  EXPECT_EQ(table->partitions[0].start, kMiB);
  EXPECT_EQ(table->partitions[0].length, 4 * kMiB);
  EXPECT_EQ(read(*disk, 4096)->partitions, table->partitions);
  EXPECT_THAT(read(*disk, 512), Fails(Code::Corrupt, "protective MBR but no GPT"))
      << "on a disk of 512-byte blocks Linux sees nothing";
}

// sfdisk -J is the oracle for MBR tables: numbers, places, types.
TEST(MbrTable, AsSfdiskReadsIt) {
  if (!test::have_in_sbin("sfdisk")) GTEST_SKIP() << "sfdisk is missing";
  const auto disk = make_disk(16 * kMiB,
                              "printf 'label: dos\\nlabel-id: 0x0BADCAFE\\n"
                              "start=2048,size=2048,type=ef\\n"
                              "start=4096,size=4096,type=7\\n"
                              "start=8192,type=f\\n"
                              "start=10240,size=2048,type=83\\n"
                              "start=14336,size=2048,type=82\\n"
                              "start=18432,size=4096,type=83\\n' | sfdisk $DISK");
  ASSERT_TRUE(disk);
  const auto table = read(*disk);
  ASSERT_TRUE(table) << table.error().text;
  EXPECT_EQ(table->scheme, Scheme::Mbr);
  EXPECT_EQ(table->disk_id, "0badcafe");
  EXPECT_THAT(table->warnings, IsEmpty());
  const auto partition = [](unsigned number, std::uint64_t start, std::uint64_t sectors, std::uint8_t type,
                            const char* uuid) {
    return Partition{
        .number = number, .start = start * 512, .length = sectors * 512, .mbr_type = type, .partuuid = uuid};
  };
  EXPECT_THAT(
      table->partitions,
      ElementsAre(partition(1, 2048, 2048, 0xEF, "0badcafe-01"), partition(2, 4096, 4096, 0x07, "0badcafe-02"),
                  partition(5, 10240, 2048, 0x83, "0badcafe-05"), partition(6, 14336, 2048, 0x82, "0badcafe-06"),
                  partition(7, 18432, 4096, 0x83, "0badcafe-07")));
  EXPECT_EQ(find_esp(*table), &table->partitions[0]);
  EXPECT_EQ(find_xbootldr(*table), nullptr);
  EXPECT_EQ(find_by_type(*table, Guid{}), nullptr) << "types of MBR partitions are no GUIDs";
}

class Mbr : public testing::Test {
 protected:
  Mbr() { put<std::uint16_t>(disk_, 510, 0xAA55); }
  void entry(std::size_t sector, unsigned slot, std::uint8_t type, std::uint32_t first, std::uint32_t blocks) {
    const auto at = sector * 512 + 446 + (slot - 1) * 16;
    put<std::uint8_t>(disk_, at + 4, type);
    put<std::uint32_t>(disk_, at + 8, first);
    put<std::uint32_t>(disk_, at + 12, blocks);
    put<std::uint16_t>(disk_, sector * 512 + 510, 0xAA55);
  }
  Disk disk_ = Disk(kMiB);  // 2048 sectors
};

TEST_F(Mbr, Empty) {
  const auto table = read(disk_);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->scheme, Scheme::Mbr);
  EXPECT_THAT(table->partitions, IsEmpty());
}

TEST_F(Mbr, ALinkBackDoesNotLoop) {
  entry(0, 1, 0x05, 100, 1000);
  entry(100, 1, 0x83, 10, 10);
  entry(100, 2, 0x05, 200, 100);
  entry(300, 1, 0x83, 10, 10);
  entry(300, 2, 0x05, 0, 100);  // the first one again
  const auto table = read(disk_);
  ASSERT_TRUE(table);
  ASSERT_EQ(table->partitions.size(), 2u);
  EXPECT_EQ(table->partitions[0].number, 5u);
  EXPECT_EQ(table->partitions[1].start, 310u * 512);
  EXPECT_THAT(table->warnings, ElementsAre(HasSubstr("circle")));
}

TEST_F(Mbr, EmptySlotsOfTheChainTakeNoNumber) {
  entry(0, 2, 0x0F, 100, 1000);
  entry(100, 2, 0x05, 200, 100);  // no partition here, only the link
  entry(300, 1, 0x83, 10, 10);
  const auto table = read(disk_);
  ASSERT_TRUE(table);
  ASSERT_EQ(table->partitions.size(), 1u);
  EXPECT_EQ(table->partitions[0].number, 5u) << "as Linux counts";
}

TEST_F(Mbr, GarbageInTheUpperSlotsOfTheChainIsLeftOut) {
  entry(0, 1, 0x05, 100, 500);
  entry(100, 1, 0x83, 10, 10);
  entry(100, 3, 0x83, 10, 5000);
  entry(100, 4, 0x83, 20, 10);
  const auto table = read(disk_);
  ASSERT_TRUE(table);
  ASSERT_EQ(table->partitions.size(), 2u);
  EXPECT_EQ(table->partitions[1].start, 120u * 512);
}

TEST_F(Mbr, WhatLiesPastTheEnd) {
  entry(0, 1, 0x83, 2000, 100);
  entry(0, 2, 0x83, 5000, 100);
  entry(0, 3, 0x05, 4000, 100);
  const auto table = read(disk_);
  ASSERT_TRUE(table);
  ASSERT_EQ(table->partitions.size(), 1u);
  EXPECT_EQ(table->partitions[0].length, 48u * 512);
  EXPECT_THAT(table->warnings, ElementsAre(HasSubstr("partition 1 reaches past"), HasSubstr("partition 2 begins past"),
                                           HasSubstr("logical partitions from block 4000")));
}

TEST_F(Mbr, ALongChainEnds) {
  disk_ = Disk(4 * kMiB);
  entry(0, 1, 0x05, 1, 8000);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    entry(1 + 4 * i, 1, 0x83, 1, 2);
    entry(1 + 4 * i, 2, 0x05, 4 * (i + 1), 4);
  }
  const auto table = read(disk_);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->partitions.size(), kMaxPartitions - 4);
  EXPECT_EQ(table->partitions.back().number, kMaxPartitions);
  EXPECT_EQ(table->partitions.back().partuuid, "00000000-ff");
}

TEST_F(Mbr, LogicalBlocksOf4096) {
  disk_ = Disk(16 * kMiB);
  entry(0, 1, 0x83, 256, 512);
  const auto table = read(disk_, 4096);
  ASSERT_TRUE(table);
  ASSERT_EQ(table->partitions.size(), 1u);
  EXPECT_EQ(table->partitions[0].start, kMiB);
}

TEST(PartitionTableOf, DisksWithoutOne) {
  for (const std::size_t size : {0U, 1U, 511U, 512U, 513U, 4096U, 65536U}) {
    const auto table = read(Disk(size));
    ASSERT_TRUE(table) << size;
    EXPECT_EQ(table->scheme, Scheme::None) << size;
  }
}

TEST(PartitionTableOf, FileSystemsOnTheWholeDisk) {
  for (const char* maker : {"mkntfs -F -Q", "mkfs.exfat", "mkfs.vfat", "mkfs.ext4 -F"}) {
    const std::string program = std::string(maker).substr(0, std::string(maker).find(' '));
    if (!test::have_in_sbin(program)) continue;
    const auto disk = make_disk(8 * kMiB, std::string(maker) + " $DISK");
    ASSERT_TRUE(disk) << maker;
    const auto table = read(*disk);
    ASSERT_TRUE(table) << maker;
    EXPECT_EQ(table->scheme, Scheme::None) << maker;
  }
}

TEST(PartitionTableOf, AnUnreadableDisk) {
  class Broken final : public ByteSource {
   public:
    [[nodiscard]] std::uint64_t size() const override { return kMiB; }
    [[nodiscard]] Result<void> read(std::uint64_t, MutableBytes) const override { return fail(Code::Io, "no medium"); }
  };
  EXPECT_THAT(read_partition_table(Broken{}), Fails(Code::Io, "no medium"));
}

}  // namespace
}  // namespace vhdboot::disk
