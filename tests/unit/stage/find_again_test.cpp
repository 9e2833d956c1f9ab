// SPDX-License-Identifier: GPL-2.0-or-later
// Stage 2 looks for what stage 1 chose, on the same machine as another kernel sees it.
#include "init/stage/find_again.h"

#include <gmock/gmock.h>

#include "tests/unit/base/error_matchers.h"
#include "tests/unit/stage/fake_devices.h"

namespace vhdboot::stage {
namespace {

using namespace std::chrono_literals;
using test::Fails;
using test::FakeDevices;

test::FakeVolume data() {
  return test::make_exfat(0x1234ABCD, u"DATA", {{"/boot/debian.img", test::image_bytes()}});
}

// The same volume, the image rewritten: it lies elsewhere now.
test::FakeVolume moved() {
  return test::make_exfat(0x1234ABCD, u"DATA",
                          {{"/boot/other", std::string(8192, 'x')}, {"/boot/debian.img", test::image_bytes()}});
}

constexpr std::string_view kPlace = "root:0.0 pci:31.2 ata:0.0.0";

class FindAgain : public testing::Test {
 protected:
  // What stage 1 said of data() on the partition 11111111-02.
  static record::Handoff handoff() {
    FakeDevices before;
    auto& disk = before.plug("sda2", data().bytes);
    disk.content.identity.partuuid = "11111111-02";
    disk.hardware = {.chain = {}, .places = {test::place(kPlace)}, .wwid = "wwid=naa.1"};
    HostVolumes volumes(before);
    const auto image =
        examine_image(volumes.all().front(), *volume::parse_path("/boot/debian.img"), Writes::Kept).value();
    return {.files = {{.path = image.path.text(),
                       .kind = volume::Kind::Exfat,
                       .serial = image.volume->identity.uuid,
                       .partuuid = image.volume->identity.partuuid,
                       .places = image.volume->hardware.places,
                       .wwid = image.volume->hardware.wwid,
                       .size = image.layout.size,
                       .extents = image.layout.extents}},
            .payload_size = image.info.payload_size,
            .wait_seconds = 20};
  }

  test::FakeDisk& plug(const std::string& name, const test::FakeVolume& volume,
                       const std::string& partuuid = "11111111-02") {
    auto& disk = devices.plug(name, volume.bytes);
    disk.content.identity.partuuid = partuuid;
    disk.hardware.places = {test::place(kPlace)};
    return disk;
  }

  Result<FoundImage> find() {
    volumes.emplace(devices);
    HostVolume* volume = TRY(find_volume(*volumes, handoff(), report));
    return find_same_image(*volume, handoff());
  }

  FakeDevices devices;
  std::optional<HostVolumes> volumes;
  std::vector<std::string> warnings;
  sys::Reporter report{warnings};
};

TEST_F(FindAgain, UnderAnotherName) {
  plug("sda2", test::make_exfat(0x5555AAAA, u"OTHER", {{"/readme.txt", "."}}), "55555555-02");
  devices.at(3s, [&] { plug("sdb2", data()); });
  const auto image = find();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->volume->device.name, "sdb2");
  EXPECT_EQ(image->layout.extents, handoff().files.front().extents);
  EXPECT_EQ(devices.elapsed(), 3s);
}

TEST_F(FindAgain, ADiskThatItsHubResetsMeanwhile) {
  plug("sda2", data()).open_error = ENXIO;
  devices.at(1s, [&] { devices.unplug("sda2"); });
  devices.at(2s, [&] { plug("sdb2", data()); });
  const auto image = find();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->volume->device.name, "sdb2");
}

TEST_F(FindAgain, AnotherPartitionWithThatSerialIsNotMeant) {
  plug("sda2", data(), "77777777-02");
  devices.at(1s, [&] { plug("sdb2", data()); });
  const auto image = find();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->volume->device.name, "sdb2");
}

TEST_F(FindAgain, ADiskAndItsCloneAreRefused) {
  plug("sda2", data());
  plug("sdb2", data());
  EXPECT_THAT(find(), Fails(Code::Unsafe,
                            "/dev/sda2 (exFAT \"DATA\") and /dev/sdb2 (exFAT \"DATA\") have the same "
                            "identity (1234-ABCD): one is a copy of the other"));
}

TEST_F(FindAgain, OfADiskAndItsCloneTheOneAtTheSamePlace) {
  plug("sda2", data()).hardware.places = {test::place("root:0.0 pci:20.0 usb:1.5.480")};
  devices.at(3s, [&] { plug("sdb2", data()); });
  const auto image = find();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->volume->device.name, "sdb2");
  EXPECT_EQ(devices.elapsed(), 3s);
}

TEST_F(FindAgain, OnlyTheCloneIsSeen) {
  plug("sda2", data()).hardware.places = {test::place("root:0.0 pci:20.0 usb:1.5.480")};
  EXPECT_THAT(find(), Fails(Code::Unsafe,
                            "its disk hangs at root:0.0 pci:31.2 ata:0.0.0, but /dev/sda2 (exFAT \"DATA\") of the same "
                            "identity hangs elsewhere: it may be a copy, and is not used"));
}

TEST_F(FindAgain, AKernelThatDoesNotSayWhereDisksHangSeesAllOfThemFirst) {
  plug("sda2", data()).hardware.places.clear();
  ASSERT_TRUE(find());
  EXPECT_EQ(devices.elapsed(), 2s);
  devices.at(3s, [&] { plug("sdb2", data()).hardware.places.clear(); });
  EXPECT_THAT(find(), Fails(Code::Unsafe, "have the same identity"));
}

TEST_F(FindAgain, TheMakersNameTellsTwoDisksApart) {
  plug("sda2", data()).hardware.wwid = "wwid=naa.2";
  devices.at(1s, [&] { plug("sdb2", data()).hardware.wwid = "wwid=naa.1"; });
  const auto image = find();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->volume->device.name, "sdb2");
}

// The guest's kernel is older or newer than ours, and takes another of the disk's names.
TEST_F(FindAgain, ANameOfAnotherKindIsNoOtherDisk) {
  plug("sda2", data()).hardware.wwid = "wwid=nvme.8086-41";
  const auto image = find();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(devices.elapsed(), 0s);
}

TEST_F(FindAgain, TheDiskWasExchanged) {
  plug("sda2", data()).hardware.wwid = "wwid=naa.2";
  EXPECT_THAT(find(), Fails(Code::Unsafe,
                            "/dev/sda2 (exFAT \"DATA\") of the same identity calls itself wwid=naa.2 and "
                            "not wwid=naa.1: it may be a copy, and is not used"));
}

TEST_F(FindAgain, NoDriver) {
  plug("sda2", data(), "77777777-02");
  EXPECT_THAT(find(), Fails(Code::NotFound,
                            "the volume 1234-ABCD with the image did not appear within 20 seconds: the "
                            "guest's kernel has no driver for its disk, or the disk was unplugged; "
                            "looked at /dev/sda2 (exFAT \"DATA\")"));
  EXPECT_EQ(devices.elapsed(), 20s);
}

TEST_F(FindAgain, ADiskThatFailsIsNotAMissingDriver) {
  plug("sda2", data()).bad = {{0, 512}};
  EXPECT_THAT(find(), Fails(Code::Io,
                            "did not appear within 20 seconds: it may be on a disk that cannot be read: "
                            "/dev/sda2: reading the boot sector"));
}

TEST_F(FindAgain, TheImageHasMoved) {
  plug("sda2", moved());
  EXPECT_FALSE(find());
  EXPECT_EQ(find().error().code, Code::Unsafe);
}

TEST_F(FindAgain, UnpluggedBetweenFindingAndExamining) {
  plug("sda2", data());
  volumes.emplace(devices);
  HostVolume* volume = find_volume(*volumes, handoff(), report).value();
  devices.unplug("sda2");
  EXPECT_THAT(find_same_image(*volume, handoff()), Fails(Code::Io, "/boot/debian.img on /dev/sda2"));
}

TEST_F(FindAgain, AReadErrorOnTheWayToTheImage) {
  const auto volume = data();
  plug("sda2", volume).bad = {{volume.folders.at("/boot"), 512}};
  EXPECT_THAT(find(), Fails(Code::Io, "/boot/debian.img on /dev/sda2"));
}

TEST_F(FindAgain, AnImageOfSeveralFiles) {
  plug("sda2", data());
  volumes.emplace(devices);
  record::Handoff chain = handoff();
  chain.files.push_back(chain.files.front());
  HostVolume* volume = find_volume(*volumes, chain, report).value();
  EXPECT_THAT(find_same_image(*volume, chain), Fails(Code::Unsupported, "made of 2 files"));
}

}  // namespace
}  // namespace vhdboot::stage
