// SPDX-License-Identifier: GPL-2.0-or-later
// Where the stub was started from, on a machine whose disks come and go.
#include "init/stage/settings.h"

#include <gmock/gmock.h>

#include "tests/unit/base/error_matchers.h"
#include "tests/unit/stage/fake_devices.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;
using test::Fails;
using test::FakeDevices;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

test::FakeVolume data() {
  return test::make_exfat(0x1234ABCD, u"DATA",
                          {{"/boot/debian.efi", "MZ"}, {"/boot/debian.conf", "entry from-the-file\nwait 7\n"}});
}

test::FakeVolume other() {
  return test::make_exfat(0x5555AAAA, u"OTHER", {{"/readme.txt", "."}});
}

record::Origin named() {
  return {.serial = "1234-ABCD", .path = "/boot/debian.efi"};
}

class Origin : public testing::Test {
 protected:
  Result<Settings> read(const record::Origin& origin, std::optional<std::string> config = std::nullopt) {
    volumes.emplace(devices);
    return read_settings(*volumes, {.origin = origin, .config = std::move(config)}, report);
  }

  FakeDevices devices;
  std::optional<HostVolumes> volumes;
  std::vector<std::string> warnings;
  sys::Reporter report{warnings};
};

TEST_F(Origin, ItsVolumeAndTheFileBesideIt) {
  devices.plug("sda1", other().bytes);
  devices.plug("sda2", data().bytes);
  auto origin = named();
  origin.options = "wait=9";
  const auto settings = read(origin);
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->origin_volume->device.name, "sda2");
  EXPECT_EQ(settings->config.entry, "from-the-file");
  EXPECT_EQ(settings->config.wait(), 9U);  // the load options win
  EXPECT_EQ(devices.elapsed(), 0s);
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(Origin, TheFileOfTheStubCounts) {
  devices.plug("sda2", data().bytes);
  const auto settings = read(named(), "entry from-the-stub\n");
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->config.entry, "from-the-stub");
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(Origin, ItsDiskAppearsLate) {
  devices.plug("sda1", other().bytes);
  devices.at(1s, [&] { devices.plug("sdb1", test::other_disk()); });
  devices.at(5s, [&] { devices.plug("sdc1", data().bytes); });
  const auto settings = read(named());
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->origin_volume->device.name, "sdc1");
  EXPECT_EQ(devices.elapsed(), 5s);
}

TEST_F(Origin, ThePartitionTellsWhichOfTwo) {
  devices.plug("sda1", data().bytes).content.identity.partuuid = "11111111-01";
  devices.plug("sdb1", data().bytes).content.identity.partuuid = "22222222-01";
  auto origin = named();
  origin.partuuid = "22222222-01";
  const auto settings = read(origin);
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->origin_volume->device.name, "sdb1");
}

TEST_F(Origin, ADiskAndItsCloneAreRefused) {
  devices.plug("sda1", data().bytes);
  devices.plug("sdb1", data().bytes);
  EXPECT_THAT(read(named()), Fails(Code::Unsafe,
                                   "/dev/sda1 (exFAT \"DATA\") and /dev/sdb1 (exFAT \"DATA\") have the "
                                   "same identity (1234-ABCD)"));
}

constexpr std::string_view kInternal = "root:0.0 pci:31.2 ata:0.0.0";
constexpr std::string_view kUsb = "root:0.0 pci:20.0 usb:1.5.480";

TEST_F(Origin, OfADiskAndItsCloneTheOneThatTheFirmwareStarted) {
  devices.plug("sda1", data().bytes).hardware.places = {test::place(kInternal)};
  devices.plug("sdb1", data().bytes).hardware.places = {test::place(kUsb)};
  auto origin = named();
  for (const auto& [place, name] : {std::pair("root:0 pci:31.2 ata:0.0", "sda1"), {"root:0 pci:20.0 usb:5", "sdb1"}}) {
    origin.places = {test::place(place)};
    const auto settings = read(origin);
    ASSERT_TRUE(settings) << settings.error().message();
    EXPECT_EQ(settings->origin_volume->device.name, name);
    EXPECT_EQ(devices.elapsed(), 0s);
  }
}

TEST_F(Origin, TheCloneAppearsFirst) {
  devices.plug("sda1", data().bytes).hardware.places = {test::place(kInternal)};
  devices.at(4s, [&] { devices.plug("sdb1", data().bytes).hardware.places = {test::place(kUsb)}; });
  auto origin = named();
  origin.places = {test::place("root:0 pci:20.0 usb:5")};
  const auto settings = read(origin);
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->origin_volume->device.name, "sdb1");
  EXPECT_EQ(devices.elapsed(), 4s);
}

// Nothing speaks against the first one until the other is seen.
TEST_F(Origin, TheCloneAppearsFirstAtAPlaceThatCannotBeCompared) {
  devices.plug("sda1", data().bytes).hardware.places = {test::place("root:0.0 pci:20.0 usb:1.5.5000")};
  devices.at(1s, [&] {
    devices.plug("sdb1", data().bytes).hardware.places = {test::place("root:0.0 pci:20.0 usb:2.6.5000")};
  });
  auto origin = named();
  origin.places = {test::place("root:0 pci:20.0 usb:2")};
  const auto settings = read(origin);
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->origin_volume->device.name, "sdb1");
}

TEST_F(Origin, OnlyTheCloneAppears) {
  devices.plug("sda1", data().bytes).hardware.places = {test::place(kInternal)};
  auto origin = named();
  origin.places = {test::place("root:0 pci:20.0 usb:5")};
  origin.options = "wait=12";
  EXPECT_THAT(read(origin), Fails(Code::Unsafe,
                                  "/boot/debian.efi was started from the disk at root:0 pci:20.0 usb:5, which did not "
                                  "appear; /dev/sda1 (exFAT \"DATA\") has the same identity (1234-ABCD) but hangs "
                                  "elsewhere, and may be a copy: it is not started in its place"));
  EXPECT_EQ(devices.elapsed(), 12s);
}

TEST_F(Origin, TwoClonesAndTheOneThatIsMeantComesLast) {
  devices.plug("sda1", data().bytes);
  devices.plug("sdb1", data().bytes);
  devices.at(1s, [&] { devices.plug("sdc1", data().bytes).hardware.places = {test::place(kInternal)}; });
  auto origin = named();
  origin.places = {test::place("root:0 pci:31.2 ata:0.0")};
  const auto settings = read(origin);
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->origin_volume->device.name, "sdc1");
}

TEST_F(Origin, ADiskThatComesBackIsNotItsClone) {
  const auto bytes = data().bytes;
  devices.plug("sdb1", bytes);
  devices.at(1s, [&] { devices.unplug("sdb1"); });
  devices.at(2s, [&] { devices.plug("sdc1", bytes); });
  volumes.emplace(devices);
  EXPECT_TRUE(volumes->settle(devices.in(10s)));
  const auto settings = read_settings(*volumes, {.origin = named(), .config = {}}, report);
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->origin_volume->device.name, "sdc1");
}

TEST_F(Origin, DoesNotAppear) {
  devices.plug("sda1", other().bytes);
  devices.at(4s, [&] { devices.plug("sdb1", test::other_disk()).open_error = EIO; });
  auto origin = named();
  origin.options = "wait=12";
  const auto settings = read(origin);
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->origin_volume, nullptr);
  EXPECT_EQ(devices.elapsed(), 12s);
  EXPECT_THAT(
      warnings,
      ElementsAre("the volume with /boot/debian.efi was not found, and no configuration file beside it is read; "
                  "looked at /dev/sda1 (exFAT \"OTHER\"); /dev/sdb1: opening /dev/sdb1: Input/output error"));
}

TEST_F(Origin, AnEspIsNotWaitedFor) {
  devices.plug("sda2", data().bytes);
  const auto settings = read({.partuuid = "11111111-01", .path = "/EFI/debian.efi"});
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->origin_volume, nullptr);
  EXPECT_EQ(devices.elapsed(), 0s);
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(Origin, GrubNamesAnotherVolumeThanItReadFrom) {
  devices.plug("sda1", other().bytes);
  devices.at(1s, [&] { devices.plug("sdb1", data().bytes); });
  const auto settings = read({.serial = "5555-AAAA", .path = "/boot/debian.efi"});
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->origin_volume->device.name, "sdb1");
  EXPECT_FALSE(settings->origin_is_there);
  EXPECT_EQ(devices.elapsed(), 3s);
}

TEST_F(Origin, NothingButAPathAndTwoVolumesThatHaveIt) {
  devices.plug("sda1", data().bytes);
  devices.at(1s, [&] { devices.plug("sdb1", data().bytes); });
  const auto settings = read({.path = "/boot/debian.efi"});
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->origin_volume, nullptr);
}

TEST_F(Origin, AReadErrorOnTheWayToTheFileIsNoAbsence) {
  const auto volume = data();
  devices.plug("sda1", volume.bytes).bad = {{volume.folders.at("/boot"), 512}};
  devices.plug("sdb1", test::make_exfat(0x77777777, u"OLD", {{"/boot/debian.efi", "MZ"}}).bytes);
  EXPECT_THAT(read(named()), Fails(Code::Io, "/boot/debian.efi on /dev/sda1 (exFAT \"DATA\")"));
  const auto settings = read({.path = "/boot/debian.efi"});
  ASSERT_TRUE(settings) << settings.error().message();
  EXPECT_EQ(settings->origin_volume, nullptr);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("where /boot/debian.efi was started from cannot be told: "
                                              "/boot/debian.efi on /dev/sda1 (exFAT \"DATA\"): "),
                                    HasSubstr("no configuration file beside it is read")));
}

TEST_F(Origin, AReadErrorInTheConfigurationIsTold) {
  auto volume = data();
  devices.plug("sda1", volume.bytes);
  volumes.emplace(devices);
  const auto layout = volumes->all().front().reader->layout(*volume::parse_path("/boot/debian.conf"));
  ASSERT_TRUE(layout);
  devices.disk("sda1").bad = {{layout->extents.front().physical, 512}};
  EXPECT_THAT(read_settings(*volumes, {.origin = named(), .config = {}}, report),
              Fails(Code::Io, "reading /boot/debian.conf on /dev/sda1 (exFAT \"DATA\")"));
}

}  // namespace
}  // namespace vhdboot::stage
