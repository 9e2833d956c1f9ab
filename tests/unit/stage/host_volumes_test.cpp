// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/host_volumes.h"

#include <gmock/gmock.h>

#include "tests/unit/stage/fake_devices.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;
using test::FakeDevices;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> paths_of(HostVolumes& volumes) {
  std::vector<std::string> paths;
  for (const HostVolume& volume : volumes.all()) paths.push_back(volume.device.path);
  return paths;
}

test::FakeVolume data() {
  return test::make_exfat(0x1234ABCD, u"DATA", {{"/boot/debian.img", test::image_bytes()}});
}

TEST(HostVolumes, WhatIsThereAndWhatComes) {
  FakeDevices devices;
  devices.plug("sda1", test::other_disk());
  auto& sda2 = devices.plug("sda2", data().bytes);
  sda2.content = {.type = "exfat", .identity = {.partuuid = "12345678-02"}};
  sda2.hardware = {.chain = {{"pci:v00008086", "ahci"}}, .places = {test::place("root:0.0 pci:1.0")}, .wwid = "w"};
  devices.at(3s, [&] { devices.plug("sdb1", data().bytes); });
  HostVolumes volumes(devices);
  EXPECT_THAT(paths_of(volumes), ElementsAre("/dev/sda2"));
  EXPECT_EQ(volumes.all().front().identity,
            (disk::Identity{.uuid = "1234-ABCD", .partuuid = "12345678-02", .label = "DATA"}));
  EXPECT_EQ(volumes.all().front().hardware, sda2.hardware);
  EXPECT_TRUE(volumes.wait(devices.in(5s)).value());
  EXPECT_EQ(devices.elapsed(), 3s);
  EXPECT_THAT(paths_of(volumes), ElementsAre("/dev/sda2", "/dev/sdb1"));
  EXPECT_FALSE(volumes.wait(devices.in(5s)).value());
  EXPECT_EQ(devices.elapsed(), 8s);
}

TEST(HostVolumes, WhatIsNoHardwareIsPassedOver) {
  FakeDevices devices;
  devices.plug("loop0", data().bytes).device.sysfs = "/sys/devices/virtual/block/loop0";
  devices.plug("nvme0n1", data().bytes).device.sysfs = "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1";
  HostVolumes volumes(devices);
  EXPECT_THAT(paths_of(volumes), ElementsAre("/dev/nvme0n1"));
  EXPECT_EQ(devices.disk("loop0").opened, 0U);
}

class NotReady : public testing::TestWithParam<int> {};

TEST_P(NotReady, IsLookedAtAgain) {
  FakeDevices devices;
  devices.plug("sdb1", data().bytes).open_error = GetParam();
  devices.at(1s, [&] { devices.plug("sdc", test::other_disk()); });
  devices.at(4s, [&] { devices.disk("sdb1").open_error = 0; });
  HostVolumes volumes(devices);
  EXPECT_TRUE(volumes.wait(devices.in(10s)).value());
  EXPECT_THAT(paths_of(volumes), IsEmpty());
  EXPECT_THAT(volumes.account(), HasSubstr("/dev/sdb1: opening /dev/sdb1: "));
  EXPECT_FALSE(volumes.doubt());
  EXPECT_TRUE(volumes.wait(devices.in(10s)).value());
  EXPECT_EQ(devices.elapsed(), 4s);
  EXPECT_THAT(paths_of(volumes), ElementsAre("/dev/sdb1"));
  EXPECT_THAT(volumes.unreadable(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(HostVolumes, NotReady, testing::Values(ENOENT, ENXIO, ENOMEDIUM));

TEST(HostVolumes, AFailingDiskIsNamedReadOnceAndForgottenWhenItIsUnplugged) {
  FakeDevices devices;
  auto& failing = devices.plug("sdb", data().bytes);
  failing.bad = {{0, 512}};
  failing.read_time = 7s;
  devices.at(8s, [&] { devices.plug("sdc", test::other_disk()); });
  devices.at(9s, [&] { devices.unplug("sdb"); });
  HostVolumes volumes(devices);
  EXPECT_EQ(devices.elapsed(), 7s);
  EXPECT_THAT(volumes.unreadable(),
              ElementsAre(HasSubstr("/dev/sdb: reading the boot sector: reading at byte 0: Input")));
  ASSERT_TRUE(volumes.doubt());
  EXPECT_EQ(volumes.doubt()->code, Code::Io);
  EXPECT_THAT(volumes.doubt()->message(), HasSubstr("/dev/sdb: "));
  EXPECT_TRUE(volumes.wait(devices.in(10s)).value());
  EXPECT_EQ(failing.opened, 1U);
  EXPECT_EQ(devices.elapsed(), 8s);
  EXPECT_TRUE(volumes.doubt());
  EXPECT_TRUE(volumes.wait(devices.in(10s)).value());
  EXPECT_FALSE(volumes.doubt());
  EXPECT_THAT(volumes.unreadable(), IsEmpty());
}

TEST(HostVolumes, ADiskThatCannotBeOpenedIsNamed) {
  FakeDevices devices;
  devices.plug("sdb", data().bytes).open_error = EIO;
  HostVolumes volumes(devices);
  EXPECT_THAT(volumes.account(), HasSubstr("looked at /dev/sdb: opening /dev/sdb: Input/output error"));
  EXPECT_TRUE(volumes.doubt());
}

TEST(HostVolumes, WhatNoImageIsBootedFromIsNamedAndNoReasonForDoubt) {
  FakeDevices devices;
  auto locked = std::make_shared<test::SparseImage>(1 << 20);
  locked->write(3, as_bytes("-FVE-FS-"));
  devices.plug("sda3", locked);
  devices.plug("sdb1", data().bytes).content.type = "linux_raid_member";
  auto& disc = devices.plug("sr0", test::other_disk());
  disc.device.numbers = "11:0";
  disc.bad = {{0, 512}};
  HostVolumes volumes(devices);
  EXPECT_THAT(paths_of(volumes), IsEmpty());
  EXPECT_THAT(volumes.unreadable(),
              ElementsAre(HasSubstr("/dev/sda3: the partition is encrypted by BitLocker"),
                          HasSubstr("/dev/sdb1: it looks like a volume of Windows but is a part of something else "
                                    "(linux_raid_member)"),
                          HasSubstr("/dev/sr0: ")));
  EXPECT_FALSE(volumes.doubt());
}

// A volume on it may be half of a mirror, whole to look at.
TEST(HostVolumes, PartsOfVolumesOfWindowsAreNamedAndNeverRead) {
  FakeDevices devices;
  devices.plug("sda1", data().bytes).partition_type = "0x42";
  devices.plug("sdb1", test::other_disk()).partition_type = "e75caf8f-f680-4cee-afa3-b001e56efc2d";
  const HostVolumes volumes(devices);
  EXPECT_FALSE(volumes.doubt());
  EXPECT_THAT(volumes.unreadable(), ElementsAre(AllOf(HasSubstr("/dev/sda1: "), HasSubstr("dynamic disk")),
                                                AllOf(HasSubstr("/dev/sdb1: "), HasSubstr("Storage Spaces"))));
}

TEST(HostVolumes, ADamagedVolumeIsAReasonForDoubt) {
  FakeDevices devices;
  auto damaged = std::make_shared<test::SparseImage>(data().bytes->copy());
  damaged->put<std::uint32_t>(96, 0);  // where its root directory is, in both copies
  damaged->put<std::uint32_t>(12 * 512 + 96, 0);
  devices.plug("sdb1", damaged);
  HostVolumes volumes(devices);
  ASSERT_TRUE(volumes.doubt());
  EXPECT_EQ(volumes.doubt()->code, Code::Corrupt);
}

TEST(HostVolumes, ADiskThatItsHubResetsIsNotItsOwnTwin) {
  FakeDevices devices;
  const auto bytes = data().bytes;
  devices.plug("sdb1", bytes);
  devices.at(2s, [&] {
    devices.unplug("sdb1");
    devices.plug("sdb1", bytes);
  });
  devices.at(4s, [&] {
    devices.unplug("sdb1");
    devices.plug("sdc1", bytes);
  });
  HostVolumes volumes(devices);
  HostVolume& first = volumes.all().front();
  EXPECT_TRUE(volumes.wait(devices.in(10s)).value());
  EXPECT_THAT(paths_of(volumes), ElementsAre("/dev/sdb1"));
  EXPECT_NE(&volumes.all().front(), &first);
  EXPECT_EQ(first.description(), "/dev/sdb1 (exFAT \"DATA\")");  // whoever held it can still name it
  EXPECT_FALSE(look_on(first, {*volume::parse_path("/boot/debian.img")}));
  EXPECT_TRUE(volumes.wait(devices.in(10s)).value());
  EXPECT_THAT(paths_of(volumes), ElementsAre("/dev/sdc1"));
}

TEST(HostVolumes, SettlesTwoSecondsAfterTheLastEvent) {
  FakeDevices devices;
  devices.at(1s, [&] { devices.plug("sdb1", data().bytes); });
  devices.at(2500ms, [&] { devices.plug("sdc", test::other_disk()); });
  devices.at(6s, [&] { devices.plug("sdd", test::other_disk()); });
  HostVolumes volumes(devices);
  EXPECT_TRUE(volumes.settle(devices.in(30s)));
  EXPECT_EQ(devices.elapsed(), 4500ms);
  EXPECT_THAT(paths_of(volumes), ElementsAre("/dev/sdb1"));
  EXPECT_TRUE(volumes.settle(devices.in(1s)));
  EXPECT_EQ(devices.elapsed(), 4500ms) << "it has been quiet long enough";
}

TEST(HostVolumes, ADiskThatDoesNotAnswerIsWaitedForOnce) {
  FakeDevices devices;
  for (const unsigned partition : {1U, 2U, 3U}) {
    const std::string name = concat("sda", partition);
    auto& disk = devices.plug(name, data().bytes);
    disk.device.sysfs = concat("/sys/devices/pci0000:00/0000:00:01.0/block/sda/", name);
    disk.device.sequence = "1";
    disk.device.partition = partition;
    disk.silent = true;
  }
  devices.plug("sdb1", data().bytes);
  HostVolumes volumes(devices);
  EXPECT_THAT(paths_of(volumes), ElementsAre("/dev/sdb1"));
  EXPECT_EQ(devices.elapsed(), 120s);
  EXPECT_THAT(volumes.unreadable(),
              ElementsAre(HasSubstr("/dev/sda1: "), HasSubstr("/dev/sda2: its disk does not answer"),
                          HasSubstr("/dev/sda3: its disk does not answer")));
  ASSERT_TRUE(volumes.doubt());
  EXPECT_EQ(volumes.doubt()->code, Code::Timeout);
}

// What stage 1 has attached goes before the last look.
TEST(HostVolumes, DevicesOfOursDoNotKeepItFromSettling) {
  FakeDevices devices;
  devices.plug("sdb1", data().bytes);
  devices.plug("loop0", data().bytes).device.sysfs = "/sys/devices/virtual/block/loop0";
  devices.at(5s, [&] { devices.unplug("loop0"); });
  HostVolumes volumes(devices);
  EXPECT_TRUE(volumes.wait(devices.in(10s)).value());
  EXPECT_TRUE(volumes.settle(devices.in(30s)));
  EXPECT_EQ(devices.elapsed(), 5s);
}

// Three disks with one content: where they hang tells which is meant.
class Pick : public testing::Test {
 protected:
  std::vector<HostVolume*> plug(std::initializer_list<std::string_view> places) {
    std::string name = "sda2";
    for (const std::string_view place : places) {
      devices.plug(name, data().bytes).hardware.places = {test::place(place)};
      ++name[2];
    }
    volumes.emplace(devices);
    std::vector<HostVolume*> all;
    for (HostVolume& volume : volumes->all()) all.push_back(&volume);
    return all;
  }
  FakeDevices devices;
  std::optional<HostVolumes> volumes;
};

TEST_F(Pick, TheOneThatHangsThere) {
  const auto all = plug({"root:0.0 pci:31.2 ata:0.0.0", "root:0.0 pci:20.0 usb:1.5.480", "?:7"});
  const auto picked = pick(all, {test::place("root:0 pci:20.0 usb:5")});
  EXPECT_EQ(picked.volume, all[1]);
  EXPECT_FALSE(picked.certain()) << "USB";
  EXPECT_EQ(picked.twin, nullptr);
  EXPECT_EQ(picked.elsewhere, all[0]);
  EXPECT_TRUE(pick(all, {test::place("root:0 pci:31.2 ata:0.0")}).certain());
}

TEST_F(Pick, OneOfSeveralControllers) {
  const auto all = plug({"root:0.0 pci:2.0 nvme:1", "root:0.0 pci:3.0 nvme:1"});
  EXPECT_EQ(pick(all, {test::place("root:0.0 pci:7.0 nvme:1"), test::place("root:0.0 pci:3.0 nvme:1")}).volume, all[1]);
}

TEST_F(Pick, WhatCannotBeTold) {
  const auto all = plug({"?:7 scsi:0.0", "?:7 scsi:1.0"});
  auto picked = pick(all, {});
  EXPECT_NE(picked.volume, nullptr);
  EXPECT_NE(picked.twin, nullptr);
  EXPECT_FALSE(picked.certain());
  picked = pick(all, {test::place("? scsi:1.0")});
  EXPECT_NE(picked.twin, nullptr) << "an unknown controller counts in its own way";
  picked = pick({all[0]}, {});
  EXPECT_EQ(picked.volume, all[0]);
  EXPECT_EQ(picked.twin, nullptr);
  EXPECT_FALSE(picked.certain());
}

TEST_F(Pick, NoneOfThem) {
  const auto all = plug({"root:0.0 pci:2.0 nvme:1"});
  const auto picked = pick(all, {test::place("root:0 pci:3.0 nvme:1")});
  EXPECT_EQ(picked.volume, nullptr);
  EXPECT_EQ(picked.elsewhere, all[0]);
  EXPECT_EQ(pick({}, {}).volume, nullptr);
}

TEST(PatientWait, WaitsAsLongAsWasSaidSinceWatchingBegan) {
  FakeDevices devices;
  std::vector<std::string> warnings;
  const sys::Reporter report(warnings);
  HostVolumes volumes(devices);
  EXPECT_TRUE(volumes.settle(devices.in(30s)));  // takes 2 of the 5 seconds
  devices.at(4s, [&] { devices.plug("sdc", test::other_disk()); });
  PatientWait wait(volumes, 5, report);
  EXPECT_TRUE(wait.wait("a disk").value());
  EXPECT_EQ(devices.elapsed(), 4s);
  EXPECT_FALSE(wait.wait("a disk").value());
  EXPECT_EQ(devices.elapsed(), 5s);
  EXPECT_FALSE(wait.wait("a disk").value());
  EXPECT_EQ(devices.elapsed(), 5s);
}

TEST(PatientWait, SaysOnceForWhat) {
  FakeDevices devices;
  std::vector<std::string> warnings;
  const sys::Reporter report(warnings);
  HostVolumes volumes(devices);
  devices.at(6s, [&] { devices.plug("sdc", test::other_disk()); });
  PatientWait wait(volumes, 30, report);
  testing::internal::CaptureStderr();
  EXPECT_TRUE(wait.wait("the volume 1234-ABCD").value());
  EXPECT_FALSE(wait.wait("the volume 1234-ABCD").value());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "waiting up to 30 seconds for the volume 1234-ABCD ...\n");
  EXPECT_EQ(devices.elapsed(), 30s);
}

}  // namespace
}  // namespace vhdboot::stage
