// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/block.h"

#include <gtest/gtest.h>

#include "init/sys/devices.h"
#include "init/sys/reader_process.h"

namespace vhdboot::sys {
namespace {

TEST(IsVirtual, WhatHasNoHardware) {
  const auto is = [](std::string_view path) {
    return is_virtual({.sysfs = std::string("/sys/devices/") + std::string(path)});
  };
  for (const char* name : {"loop0", "loop0/loop0p1", "dm-0", "md127", "md127/md127p1", "ram0", "zram0", "nbd0", "zd0"})
    EXPECT_TRUE(is(std::string("virtual/block/") + name)) << name;
  EXPECT_FALSE(is("pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda/sda1"));
  EXPECT_FALSE(is("virtual/nvme-subsystem/nvme-subsys0/nvme0n1"));
  EXPECT_FALSE(is("virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p2"));
  EXPECT_FALSE(is("platform/floppy.0/block/fd0"));
}

TEST(DiskOf, TellsDisksApartWithoutASequenceToo) {
  const BlockDevice disk{.sysfs = "/sys/devices/x/block/sda"};
  const BlockDevice partition{.sysfs = "/sys/devices/x/block/sda/sda1", .partition = 1};
  const BlockDevice other{.sysfs = "/sys/devices/x/block/sdb/sdb1", .partition = 1};
  EXPECT_EQ(disk_of(disk), disk_of(partition));
  EXPECT_NE(disk_of(partition), disk_of(other));
  const BlockDevice later{.sysfs = partition.sysfs, .sequence = "2", .partition = 1};
  EXPECT_NE(disk_of(partition), disk_of(later));
}

TEST(IsNotReady, TellsAMissingMediumFromAFailure) {
  for (const int number : {ENOENT, ENODEV, ENXIO, ENOMEDIUM, EBUSY, EAGAIN})
    EXPECT_TRUE(is_not_ready(sys_error("opening", number))) << number;
  for (const int number : {EIO, ETIMEDOUT, EILSEQ, EACCES, ENOMEM, 0})
    EXPECT_FALSE(is_not_ready(sys_error("opening", number))) << number;
}

TEST(MachineDevices, TheDisksOfThisMachine) {
  const auto devices = MachineDevices::open(readers_here());
  ASSERT_TRUE(devices) << devices.error().message();
  for (const BlockDevice& device : (*devices)->list()) {
    EXPECT_GT(device.size, 0U) << device.name;
    EXPECT_TRUE(device.sysfs.starts_with("/sys/devices/")) << device.sysfs;
  }
  EXPECT_FALSE((*devices)->open_volume({.name = "none", .path = "/dev/none-such"}));
  const auto before = (*devices)->now();
  EXPECT_LE(before, (*devices)->now());
  EXPECT_TRUE((*devices)->in(std::chrono::milliseconds(0)).passed((*devices)->now()));
}

}  // namespace
}  // namespace vhdboot::sys
