// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/redact.h"

#include "tests/unit/base/error_matchers.h"
#include "tools/vhdboot/partition_choice.h"

namespace vhdboot::command {
namespace {

using test::Fails;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST(Redact, TheSameStandInForTheSameWord) {
  const auto made = redact(
      "root=UUID=5eed0001-0000-4000-8000-0000000000a1 on laptop, VHDBOOT-5EEDB00712345678, 1234-ABCD\n"
      "again 5EED0001-0000-4000-8000-0000000000A1, 5eedb007-02, aa:bb:cc:dd:ee:ff, My Data, My Data 2",
      {{"laptop", "host name"}, {"My Data", "label"}, {"My Data 2", "label"}});
  EXPECT_EQ(made.text,
            "root=UUID=<UUID 1> on <host name 1>, VHDBOOT-<volume serial 1>, <volume serial 2>\n"
            "again <UUID 1>, <partition 1>, <network address 1>, <label 1>, <label 2>");
  EXPECT_THAT(made.counts, UnorderedElementsAre(Pair("UUID", 1), Pair("host name", 1), Pair("volume serial", 2),
                                                Pair("partition", 1), Pair("network address", 1), Pair("label", 2)));
}

TEST(Redact, LeavesTheRestAlone) {
  const std::string text = "laptops, 6.1.0-50-amd64, pci0000:00, 2026-11-29 03:00, deadbeef, x5EEDB00712345678";
  EXPECT_EQ(redact(text, {{"laptop", "host name"}}).text, text);
}

TEST(PartitionChoice, TheRootWithoutDoubt) {
  std::vector<ImagePartition> partitions{{.number = 1, .type = "vfat"}, {.number = 2, .length = 4096, .type = "ext4"}};
  EXPECT_EQ(choose_partition(partitions, 0)->number, 2U);
  EXPECT_EQ(choose_partition(partitions, 1)->number, 1U);
  EXPECT_THAT(choose_partition(partitions, 3), Fails(Code::NotFound, "there is 1 (vfat, 0 B), 2 (ext4, 4 KiB)"));
  partitions.push_back({.number = 3, .type = "btrfs"});
  EXPECT_THAT(choose_partition(partitions, 0), Fails(Code::Invalid, "Say --partition"));
  partitions.back().is_root = true;
  EXPECT_EQ(choose_partition(partitions, 0)->number, 3U);
  partitions.back().type = "crypto_LUKS";
  EXPECT_THAT(choose_partition(partitions, 0), Fails(Code::Unsupported, "is encrypted"));
  EXPECT_EQ(choose_partition({{.number = 0, .type = "ext4"}}, 0)->type, "ext4");
  EXPECT_THAT(choose_partition({}, 0), Fails(Code::Invalid, "there is none"));
}

}  // namespace
}  // namespace vhdboot::command
