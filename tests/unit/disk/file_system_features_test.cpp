// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/file_system_features.h"

#include <gmock/gmock.h>

#include <cstring>

#include "base/units.h"
#include "tests/unit/disk/disk_image.h"

namespace vhdboot::disk {
namespace {

using test::make_disk;

std::optional<std::string> of(const std::vector<std::byte>& device, std::string_view type) {
  return unknown_features(MemorySource(device), type);
}

struct Made {
  std::string name;
  std::string type;
  std::string command;
};

class MadeByMkfs : public testing::TestWithParam<Made> {};

TEST_P(MadeByMkfs, IsKnown) {
  const auto& [name, type, command] = GetParam();
  if (!test::have_in_sbin(command.substr(0, command.find(' ')))) GTEST_SKIP() << "needs " << command;
  const auto disk = make_disk(400 * kMiB, command + "; truncate -s 1M $DISK");
  ASSERT_TRUE(disk);
  EXPECT_EQ(of(*disk, type), std::nullopt);
}

// As today's tools make them, and with all that may be asked for.
INSTANTIATE_TEST_SUITE_P(
    FileSystemFeatures, MadeByMkfs,
    testing::Values(Made{"ext4", "ext4", "mkfs.ext4 -F $DISK"},
                    Made{"encrypted_ext4", "ext4", "mkfs.ext4 -F -O encrypt $DISK"},
                    Made{"all_of_ext4", "ext4", "mkfs.ext4 -F -O bigalloc,inline_data,ea_inode,large_dir,mmp $DISK"},
                    Made{"casefold_ext4", "ext4", "mkfs.ext4 -F -O casefold -E encoding=utf8 $DISK"},
                    Made{"xfs_v4", "xfs", "mkfs.xfs -f -m crc=0 $DISK"}, Made{"ext2", "ext2", "mkfs.ext2 -F $DISK"},
                    Made{"xfs", "xfs", "mkfs.xfs -f $DISK"}, Made{"btrfs", "btrfs", "mkfs.btrfs -f $DISK"}),
    [](const auto& info) { return info.param.name; });

TEST(FileSystemFeatures, WhatIsNot) {
  std::vector<std::byte> ext4(4096);
  ext4[1024 + 0x38] = std::byte{0x53};
  ext4[1024 + 0x39] = std::byte{0xEF};
  ext4[1024 + 0x60] = std::byte{0x46};
  EXPECT_EQ(of(ext4, "ext4"), std::nullopt);
  ext4[1024 + 0x61] = std::byte{0x10};
  EXPECT_EQ(of(ext4, "ext4"), "its ext4 has the feature dirdata, which the boot kernel does not know");
  ext4[1024 + 0x62] = std::byte{0x08};
  ext4[1024 + 0x63] = std::byte{0x80};
  EXPECT_EQ(of(ext4, "ext3"),
            "its ext4 has the features dirdata, 0x80000 and 0x80000000, which the boot kernel does not know");
  EXPECT_EQ(of(ext4, "xfs"), std::nullopt);

  std::vector<std::byte> xfs(4096);
  std::memcpy(xfs.data(), "XFSB", 4);
  xfs[101] = std::byte{0x05};
  xfs[219] = std::byte{0xEF};
  EXPECT_EQ(of(xfs, "xfs"), std::nullopt);
  xfs[218] = std::byte{0x01};
  EXPECT_EQ(of(xfs, "xfs"), "its xfs has the feature metadir, which the boot kernel does not know");
  xfs[219] = std::byte{0x10};
  EXPECT_EQ(of(xfs, "xfs"), "its xfs asks to be repaired: run xfs_repair on it");
  xfs[101] = std::byte{0xB4};
  EXPECT_EQ(of(xfs, "xfs"), std::nullopt) << "of the older format, which has no such field";

  std::vector<std::byte> btrfs(128 * kKiB);
  std::memcpy(btrfs.data() + 64 * kKiB + 0x40, "_BHRfS_M", 8);
  btrfs[64 * kKiB + 0x88] = std::byte{1};
  EXPECT_EQ(of(btrfs, "btrfs"), std::nullopt);
  btrfs[64 * kKiB + 0xBD] = std::byte{0x60};
  EXPECT_EQ(of(btrfs, "btrfs"),
            "its btrfs has the features extent-tree-v2 and raid-stripe-tree, which the boot kernel does not know");
  btrfs[64 * kKiB + 0x88] = std::byte{2};
  EXPECT_EQ(of(btrfs, "btrfs"), "its btrfs lies on 2 devices");
}

TEST(FileSystemFeatures, OfWhatIsTooShort) {
  for (const char* type : {"ext4", "xfs", "btrfs", "vfat", ""}) {
    EXPECT_EQ(of({}, type), std::nullopt);
    EXPECT_EQ(of(std::vector<std::byte>(4096), type), std::nullopt);
  }
}

}  // namespace
}  // namespace vhdboot::disk
