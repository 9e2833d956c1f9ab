// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/block.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "init/sys/devices.h"
#include "tests/support/process.h"

namespace vhdboot::sys {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

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

// A part of a sysfs: folders, and in them what a device of one has.
class DeviceChain : public testing::Test {
 protected:
  void device(const std::string& path, const std::string& alias, const std::string& driver) {
    const auto folder = root() + path;
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/modalias") << alias << '\n';
    std::filesystem::create_directories(root() + "/drivers/" + driver);
    std::filesystem::create_symlink(root() + "/drivers/" + driver, folder + "/driver");
  }
  [[nodiscard]] std::string root() const { return folder_.file("sys"); }
  [[nodiscard]] std::vector<DrivenDevice> chain(const std::string& path) const {
    std::filesystem::create_directories(root() + path);
    return device_chain({.sysfs = std::filesystem::canonical(root() + path).string()});
  }

 private:
  test::TempFolder folder_;
};

TEST_F(DeviceChain, OutermostFirstWithoutBridges) {
  device("/devices/pci0000:00/0000:00:1c.0", "pci:bridge", "pcieport");
  device("/devices/pci0000:00/0000:00:1c.0/0000:02:00.0", "pci:xhci", "xhci_hcd");
  device("/devices/pci0000:00/0000:00:1c.0/0000:02:00.0/usb1/1-1/1-1:1.0", "usb:storage", "uas");
  EXPECT_THAT(chain("/devices/pci0000:00/0000:00:1c.0/0000:02:00.0/usb1/1-1/1-1:1.0/host0/block/sda/sda1"),
              ElementsAre(DrivenDevice{"pci:xhci", "xhci_hcd"}, DrivenDevice{"usb:storage", "uas"}));
}

// With CONFIG_NVME_MULTIPATH the disk does not hang at its controller, but names it.
TEST_F(DeviceChain, ANamespaceOfAnNvmeDiskWithSeveralControllers) {
  const std::string subsystem = "/devices/virtual/nvme-subsystem/nvme-subsys0";
  std::filesystem::create_directories(root() + subsystem);
  for (const std::string number : {"0", "1"}) {
    const std::string controller = "/devices/pci0000:00/0000:00:0" + number + ".0";
    device(controller, "pci:nvme", "nvme");
    std::filesystem::create_directories(root() + controller + "/nvme/nvme" + number);
    std::filesystem::create_symlink(root() + controller + "/nvme/nvme" + number, root() + subsystem + "/nvme" + number);
  }
  EXPECT_THAT(chain(subsystem + "/nvme0n1/nvme0n1p2"), ElementsAre(DrivenDevice{"pci:nvme", "nvme"}));
}

TEST_F(DeviceChain, NothingIsKnown) {
  EXPECT_THAT(chain("/devices/platform/x/block/sda"), IsEmpty());
  EXPECT_THAT(device_chain({.sysfs = ""}), IsEmpty());
}

TEST(IsNotReady, TellsAMissingMediumFromAFailure) {
  for (const int number : {ENOENT, ENODEV, ENXIO, ENOMEDIUM, EBUSY, EAGAIN})
    EXPECT_TRUE(is_not_ready(sys_error("opening", number))) << number;
  for (const int number : {EIO, ETIMEDOUT, EILSEQ, EACCES, ENOMEM, 0})
    EXPECT_FALSE(is_not_ready(sys_error("opening", number))) << number;
}

TEST(MachineDevices, TheDisksOfThisMachine) {
  const auto devices = MachineDevices::open();
  ASSERT_TRUE(devices) << devices.error().message();
  for (const BlockDevice& device : (*devices)->list()) {
    EXPECT_GT(device.size, 0U) << device.name;
    EXPECT_TRUE(device.sysfs.starts_with("/sys/devices/")) << device.sysfs;
  }
  EXPECT_FALSE((*devices)->open({.name = "none", .path = "/dev/none-such"}));
  const auto before = (*devices)->now();
  EXPECT_LE(before, (*devices)->now());
  EXPECT_TRUE((*devices)->in(std::chrono::milliseconds(0)).passed((*devices)->now()));
}

}  // namespace
}  // namespace vhdboot::sys
