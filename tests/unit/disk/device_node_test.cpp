// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/device_node.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::disk {
namespace {

TEST(DeviceNode, Disks) {
  const auto check = [](std::string_view text, std::string_view disk, std::optional<unsigned> partition, bool first) {
    const auto node = parse_device_node(text);
    ASSERT_TRUE(node) << text;
    EXPECT_EQ(node->disk, disk) << text;
    EXPECT_EQ(node->partition, partition) << text;
    EXPECT_EQ(is_first_disk(*node), first) << text;
  };
  check("/dev/sda", "sda", std::nullopt, true);
  check("/dev/sda2", "sda", 2, true);
  check("/dev/sdb1", "sdb", 1, false);
  check("/dev/sdaa15", "sdaa", 15, false);
  check("/dev/hda1", "hda", 1, true);
  check("/dev/vda3", "vda", 3, true);
  check("/dev/vdb", "vdb", std::nullopt, false);
  check("/dev/xvda1", "xvda", 1, true);
  check("/dev/nvme0n1", "nvme0n1", std::nullopt, true);
  check("/dev/nvme0n1p2", "nvme0n1", 2, true);
  check("/dev/nvme0n2p2", "nvme0n2", 2, false);
  check("/dev/nvme1n1p128", "nvme1n1", 128, false);
  check("/dev/mmcblk0p1", "mmcblk0", 1, true);
  check("/dev/mmcblk1", "mmcblk1", std::nullopt, false);
  check("/dev/loop0p2", "loop0", 2, true);
  check("/dev/loop12", "loop12", std::nullopt, true);
  check("/dev/mapper/loop7p3", "loop7", 3, true);
}

TEST(DeviceNode, EverythingElse) {
  for (const std::string_view text : {"",
                                      "sda2",
                                      "/dev/",
                                      "/dev/sd",
                                      "/dev/sd1",
                                      "/dev/sda0",
                                      "/dev/sda02",
                                      "/dev/sda2x",
                                      "/dev/sdA1",
                                      "/dev/sda/2",
                                      "/dev/nvme0n1p2p3",
                                      "/dev/nvme0",
                                      "/dev/nvme0n1p",
                                      "/dev/nvme0n1p0",
                                      "/dev/nvme0n1x2",
                                      "/dev/nvmen1",
                                      "/dev/mmcblk0boot0",
                                      "/dev/mmcblk",
                                      "/dev/loop",
                                      "/dev/loop-control",
                                      "/dev/mapper/root",
                                      "/dev/mapper/sda1",
                                      "/dev/mapper/loop",
                                      "/dev/vg/lv",
                                      "/dev/vda1/x",
                                      "/dev/dm-0",
                                      "/dev/md0",
                                      "/dev/md0p1",
                                      "/dev/disk/by-uuid/1234-ABCD",
                                      "/dev/root",
                                      "/dev/nfs",
                                      "UUID=1",
                                      "PARTUUID=1",
                                      "/dev/sda99999999999",
                                      "/dev/sda-1",
                                      "//dev/sda1"})
    EXPECT_FALSE(parse_device_node(text)) << text;
}

}  // namespace
}  // namespace vhdboot::disk
