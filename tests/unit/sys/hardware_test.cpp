// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/hardware.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/support/process.h"

namespace vhdboot::sys {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A part of a sysfs: folders, and in them what a device of one has.
class HardwareOf : public testing::Test {
 protected:
  void attribute(const std::string& path, const std::string& value) {
    std::filesystem::create_directories(std::filesystem::path(root() + path).parent_path());
    std::ofstream(root() + path) << value << '\n';
  }
  void link(const std::string& path, const std::string& to) {
    std::filesystem::create_directories(root() + to);
    std::filesystem::create_directories(std::filesystem::path(root() + path).parent_path());
    std::filesystem::create_symlink(root() + to, root() + path);
  }
  void device(const std::string& path, const std::string& alias, const std::string& driver) {
    attribute(path + "/modalias", alias);
    link(path + "/driver", "/drivers/" + driver);
  }
  // What is said of the disk, and of its second partition as well.
  [[nodiscard]] Hardware hardware(const std::string& disk) const {
    const std::string name = disk.substr(disk.rfind('/') + 1) + "p2";
    std::filesystem::create_directories(root() + disk + "/" + name);
    const std::string sysfs = std::filesystem::canonical(root() + disk).string();
    Hardware whole = hardware_of({.sysfs = sysfs});
    EXPECT_EQ(hardware_of({.sysfs = sysfs + "/" + name, .partition = 2}), whole);
    return whole;
  }
  [[nodiscard]] std::vector<std::string> places(const std::string& disk) const {
    std::vector<std::string> texts;
    for (const auto& place : hardware(disk).places) texts.push_back(to_text(place));
    return texts;
  }
  [[nodiscard]] std::string root() const { return folder_.file("sys"); }

 private:
  test::TempFolder folder_;
};

TEST_F(HardwareOf, OutermostFirstWithoutBridges) {
  const std::string controller = "/devices/pci0000:00/0000:00:1c.0/0000:02:00.0";
  device("/devices/pci0000:00/0000:00:1c.0", "pci:bridge", "pcieport");
  device(controller, "pci:xhci", "xhci_hcd");
  device(controller + "/usb1/1-1/1-1:1.0", "usb:storage", "uas");
  EXPECT_THAT(hardware(controller + "/usb1/1-1/1-1:1.0/host0/target0:0:0/0:0:0:0/block/sda").chain,
              ElementsAre(DrivenDevice{"pci:xhci", "xhci_hcd"}, DrivenDevice{"usb:storage", "uas"}));
}

// With CONFIG_NVME_MULTIPATH the disk does not hang at its controller, but names it.
TEST_F(HardwareOf, ANamespaceOfAnNvmeDiskWithSeveralControllers) {
  const std::string subsystem = "/devices/virtual/nvme-subsystem/nvme-subsys0";
  for (const std::string number : {"0", "1"}) {
    const std::string controller = "/devices/pci0000:00/0000:00:0" + number + ".0";
    device(controller, "pci:nvme", "nvme");
    link(subsystem + "/nvme" + number, controller + "/nvme/nvme" + number);
  }
  attribute(subsystem + "/nvme0n1/nsid", "7");
  attribute(subsystem + "/nvme0n1/wwid", "uuid.1");
  const Hardware found = hardware(subsystem + "/nvme0n1");
  EXPECT_THAT(found.chain, ElementsAre(DrivenDevice{"pci:nvme", "nvme"}));
  EXPECT_EQ(found.wwid, "wwid=uuid.1");
  EXPECT_THAT(places(subsystem + "/nvme0n1"), ElementsAre("root:?.0 pci:0.0 nvme:7", "root:?.0 pci:1.0 nvme:7"));
}

TEST_F(HardwareOf, AnNvmeDisk) {
  const std::string disk = "/devices/pci0001:80/0001:80:1c.4/0001:81:00.0/nvme/nvme3/nvme3n2";
  attribute("/devices/pci0001:80/firmware_node/uid", "12");
  attribute(disk + "/nsid", "2");
  attribute(disk + "/wwid", "eui.1");
  EXPECT_THAT(places(disk), ElementsAre("root:12.384 pci:28.4 pci:0.0 nvme:2"));
}

TEST_F(HardwareOf, AtaPortsCountFromOne) {
  const std::string port = "/devices/pci0000:00/0000:00:1f.2/ata4";
  attribute("/devices/pci0000:00/firmware_node/uid", "0");
  attribute(port + "/ata_port/ata4/port_no", "2");
  const std::string disk = port + "/host3/target3:0:0/3:0:1:0";
  attribute(disk + "/wwid", "  t10.ATA     QEMU  \t");
  link(disk + "/block/sda/device", disk.substr(0));
  EXPECT_THAT(places(disk + "/block/sda"), ElementsAre("root:0.0 pci:31.2 ata:1.0.1"));
  EXPECT_EQ(hardware(disk + "/block/sda").wwid, "wwid=t10.ATA     QEMU");
}

TEST_F(HardwareOf, UsbPortsAndTheOtherRootHub) {
  const std::string controller = "/devices/pci0000:00/0000:00:14.0";
  attribute(controller + "/usb1/maxchild", "12");
  attribute(controller + "/usb1/speed", "480");
  attribute(controller + "/usb2/maxchild", "4");
  attribute(controller + "/usb2/speed", "5000");
  EXPECT_THAT(places(controller + "/usb1/1-3/1-3:1.0/host6/target6:0:0/6:0:0:0/block/sdb"),
              ElementsAre("root:?.0 pci:20.0 usb:2.6.480"));
  EXPECT_THAT(places(controller + "/usb2/2-1/2-1.4/2-1.4.2/2-1.4.2:1.0/host6/target6:0:0/6:0:0:1/block/sdb"),
              ElementsAre("root:?.0 pci:20.0 usb:0.12.5000 usb:3 usb:1 unit:1"));
}

TEST_F(HardwareOf, OthersOfQemuAndOfLaptops) {
  EXPECT_THAT(places("/devices/pci0000:00/0000:00:03.0/virtio1/block/vda"), ElementsAre("root:?.0 pci:3.0"));
  EXPECT_THAT(places("/devices/pci0000:00/0000:00:04.0/virtio2/host0/target0:0:5/0:0:5:1/block/sda"),
              ElementsAre("root:?.0 pci:4.0 scsi:5.1.0"));
  EXPECT_THAT(places("/devices/pci0000:00/0000:00:1a.0/mmc_host/mmc0/mmc0:0001/block/mmcblk0"),
              ElementsAre("root:?.0 pci:26.0 card"));
  // Volume Management Device: a bridge that its driver makes.
  EXPECT_THAT(places("/devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/nvme/nvme0/nvme0n1"),
              ElementsAre("root:?.0 pci:14.0 root pci:6.0 nvme"));
  EXPECT_NE(places("/devices/pci0000:00/0000:00:05.0/host0/target0:2:0/0:2:0:0/block/sda"),
            places("/devices/pci0000:00/0000:00:05.0/host0/target0:0:0/0:0:0:0/block/sdb"))
      << "two channels";
}

TEST_F(HardwareOf, WhatIsNotKnownIsStillTheSameForTheNextKernel) {
  const auto one = hardware("/devices/platform/80860F14:01/mmc_host/mmc1/mmc1:aaaa/block/mmcblk1").places;
  const auto other = hardware("/devices/platform/80860F14:02/mmc_host/mmc2/mmc2:aaaa/block/mmcblk2").places;
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(compare(one.front(), other.front()), disk::SamePlace::Perhaps);
  EXPECT_NE(one, other);
}

TEST(MakersNames, OfTwoKindsTellNothing) {
  EXPECT_TRUE(are_of_two_disks("wwid=eui.1", "wwid=eui.2"));
  EXPECT_TRUE(are_of_two_disks("serial=A", "serial=B"));
  EXPECT_FALSE(are_of_two_disks("wwid=eui.1", "wwid=eui.1"));
  EXPECT_FALSE(are_of_two_disks("wwid=eui.1", "wwid=nvme.8086-41")) << "a kernel that distrusts the EUI";
  EXPECT_FALSE(are_of_two_disks("wwid=naa.1", "serial=B"));
  EXPECT_FALSE(are_of_two_disks("", "serial=B"));
  EXPECT_FALSE(are_of_two_disks("", ""));
}

TEST_F(HardwareOf, NothingIsKnown) {
  EXPECT_THAT(hardware("/devices/x/block/sda").chain, IsEmpty());
  EXPECT_EQ(hardware("/devices/x/block/sda").wwid, "");
  EXPECT_EQ(hardware_of({.sysfs = ""}), Hardware{});
}

}  // namespace
}  // namespace vhdboot::sys
