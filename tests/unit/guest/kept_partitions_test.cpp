// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/kept_partitions.h"

#include <gmock/gmock.h>

#include <string>

#include "base/bytes.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/disk/memory_disk.h"

namespace vhdboot::guest {
namespace {

using test::Fails;
using test::MemoryDisk;
using test::MemoryPartition;

std::vector<std::byte> blank() {
  return std::vector<std::byte>(128 * 1024);
}

std::vector<std::byte> ext4(std::uint32_t journal_device = 0) {
  auto bytes = blank();
  (void)store_le<std::uint32_t>(bytes, 1024 + 0xE4, journal_device);
  return bytes;
}

std::vector<std::byte> xfs(std::byte log_start, std::byte realtime = std::byte{0}) {
  auto bytes = blank();
  bytes[16 + 7] = realtime;
  bytes[48 + 7] = log_start;
  return bytes;
}

std::vector<std::byte> btrfs(std::uint64_t devices) {
  auto bytes = blank();
  (void)store_le<std::uint64_t>(bytes, 65536 + 0x88, devices);
  return bytes;
}

constexpr std::uint64_t kDisk = 10'000'000;
constexpr Range kThird{3'000'000, 500'000};

/// Partition 1 is the ESP, 2 the root, 3 is called home.
class KeptPartitions : public testing::Test {
 protected:
  std::vector<MemoryPartition> partitions{{.type = "vfat", .files = {}, .bytes = blank()},
                                          {.type = "ext4", .files = {}, .bytes = ext4()},
                                          {.type = "ext4", .files = {}, .label = "home", .bytes = ext4()}};

  void put(std::size_t number, const std::string& type, std::vector<std::byte> bytes) {
    partitions.at(number - 1).type = type;
    partitions.at(number - 1).bytes = std::move(bytes);
  }

  [[nodiscard]] disk::PartitionTable table() const {
    auto table = test::table_of(partitions);
    for (disk::Partition& entry : table.partitions) {
      entry.start = entry.number * 1'000'000ULL;
      entry.length = 500'000;
      entry.partuuid = "5eedb007-0" + std::to_string(entry.number);
    }
    return table;
  }

  [[nodiscard]] Result<std::vector<Range>> keep(const std::vector<std::string>& selectors) const {
    return keep(selectors, table());
  }
  [[nodiscard]] Result<std::vector<Range>> keep(const std::vector<std::string>& selectors,
                                                const disk::PartitionTable& table) const {
    const MemoryDisk disk(table, partitions);
    std::vector<disk::Selector> wanted;
    for (const std::string& text : selectors) wanted.push_back(disk::parse_root_selector(text).value());
    return kept_partitions(disk, kDisk, wanted);
  }
};

TEST_F(KeptPartitions, InTheirOrderAndEachOnce) {
  EXPECT_EQ(*keep({"3"}), std::vector{kThird});
  EXPECT_EQ(*keep({"LABEL=home", "1", "PARTUUID=5eedb007-03"}), (std::vector{Range{1'000'000, 500'000}, kThird}));
  EXPECT_TRUE(keep({})->empty());
}

TEST_F(KeptPartitions, FileSystemsThatStandAloneBesideAnything) {
  put(2, "LVM2_member", blank());
  for (const char* type : {"vfat", "exfat", "ntfs", "swap"}) {
    put(3, type, blank());
    EXPECT_TRUE(keep({"3"})) << type;
  }
  put(3, "ext4", ext4());
  EXPECT_TRUE(keep({"3"}));
  put(3, "xfs", xfs(std::byte{4}));
  EXPECT_TRUE(keep({"3"}));
  put(3, "btrfs", btrfs(1));
  EXPECT_TRUE(keep({"3"}));
}

TEST_F(KeptPartitions, WhatWouldBeTornApart) {
  put(2, "LVM2_member", blank());
  for (const char* type : {"LVM2_member", "crypto_LUKS", "linux_raid_member", "bcache", "zfs_member", "jbd", ""}) {
    put(3, type, blank());
    EXPECT_THAT(keep({"3"}), Fails(Code::Unsupported, "partition 3 of the guest disk (")) << type;
    EXPECT_TRUE(keep({"2", "3"})) << type;
  }
  put(3, "ext4", ext4(0x801));
  EXPECT_THAT(keep({"3"}), Fails(Code::Unsupported,
                                 "`keep` may tear apart what is on partition 3 of the guest disk (ext4) and on "
                                 "partition 2 of the guest disk (LVM2_member)"));
  put(3, "xfs", xfs(std::byte{0}));
  EXPECT_THAT(keep({"3"}), Fails(Code::Unsupported, "(xfs)"));
  put(3, "xfs", xfs(std::byte{4}, std::byte{1}));
  EXPECT_THAT(keep({"3"}), Fails(Code::Unsupported, "(xfs)"));
  put(3, "btrfs", btrfs(2));
  EXPECT_THAT(keep({"3"}), Fails(Code::Unsupported, "(btrfs)"));
  put(2, "btrfs", btrfs(2));
  EXPECT_THAT(keep({"2"}), Fails(Code::Unsupported, "2 of the guest disk (btrfs) and on partition 3"));
}

TEST_F(KeptPartitions, WhatHasNoOtherHalf) {
  put(3, "LVM2_member", blank());
  EXPECT_TRUE(keep({"3"}));
  put(1, "", blank());
  EXPECT_FALSE(keep({"3"})) << "nobody knows what is on the first one";
  partitions.front().gpt_type = "21686148-6449-6e6f-744e-656564454649"_guid;
  EXPECT_TRUE(keep({"3"})) << "there GRUB's program is";
}

TEST_F(KeptPartitions, WhatIsNotThere) {
  EXPECT_THAT(keep({"LABEL=data"}), Fails(Code::Invalid, "no partition of the guest disk is LABEL=data"));
  partitions.front().label = "home";
  EXPECT_THAT(keep({"LABEL=home"}), Fails(Code::Invalid, "two partitions are LABEL=home"));
  put(3, "ext4", std::vector<std::byte>(100));
  EXPECT_FALSE(keep({"3"})) << "it cannot be read";
}

TEST_F(KeptPartitions, BytesOfOthers) {
  auto shared = table();
  shared.partitions[1].length = 2'000'001;
  EXPECT_THAT(keep({"3"}, shared), Fails(Code::Unsupported, "shares bytes with another one"));
  EXPECT_TRUE(keep({"1"}, shared));
  auto early = table();
  early.partitions.front().start = 2 * 512 + 16'384 - 512;
  EXPECT_THAT(keep({"1"}, early), Fails(Code::Unsupported, "shares bytes with the partition table"));
  early.partitions.front().start += 512;
  EXPECT_TRUE(keep({"1"}, early));
  auto late = table();
  late.partitions.back().start = kDisk - 500'000 - 512 - 16'384;
  EXPECT_TRUE(keep({"3"}, late));
  late.partitions.back().start += 512;
  EXPECT_THAT(keep({"3"}, late), Fails(Code::Unsupported, "shares bytes with the partition table"));
  auto mbr = table();
  mbr.scheme = disk::Scheme::Mbr;
  mbr.partitions.front().start = 0;
  EXPECT_THAT(keep({"1"}, mbr), Fails(Code::Unsupported, "shares bytes with the partition table"));
}

}  // namespace
}  // namespace vhdboot::guest
