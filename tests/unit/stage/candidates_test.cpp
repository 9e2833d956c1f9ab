// SPDX-License-Identifier: GPL-2.0-or-later
// Which image a name means, on a machine whose disks come and go.
#include "init/stage/candidates.h"

#include <gmock/gmock.h>

#include "init/record/image_path.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/stage/fake_devices.h"

namespace vhdboot::stage {
namespace {

using test::Fails;
using test::FakeDevices;
using testing::IsEmpty;
using namespace std::chrono_literals;

const std::string kImage(record::kMinImageSize, '\0');

std::shared_ptr<const test::SparseImage> volume_with(std::uint32_t serial, std::u16string label,
                                                     std::initializer_list<std::string_view> images) {
  test::ExfatImage volume({.label = std::move(label), .serial = serial});
  for (const auto path : images) volume.add_file(path, as_bytes(kImage));
  volume.add_file("/boot/start.efi", as_bytes("MZ"));
  return std::make_shared<test::SparseImage>(volume.finish());
}

class FindCalled : public testing::Test {
 protected:
  /// "/dev/sda1:/boot/debian.img", or the error.
  Result<std::string> find(std::string_view name, const std::string& options = "") {
    volumes.emplace(devices);
    settings = TRY(read_settings(
        *volumes, {.origin = {.serial = "1234-ABCD", .path = "/boot/start.efi", .options = options}, .config = {}},
        report));
    const Candidate found = TRY(find_called(*volumes, settings, name, report));
    return concat(found.place.volume->device.path, ':', found.place.path.text());
  }

  FakeDevices devices;
  std::optional<HostVolumes> volumes;
  Settings settings;
  std::vector<std::string> warnings;
  sys::Reporter report{warnings};
};

TEST_F(FindCalled, ByTheNameOfItsFile) {
  devices.plug("sda1", volume_with(0x1234ABCD, u"DATA", {"/boot/debian.vhd", "/vhd/arch.raw", "/Fedora 42.img"}));
  EXPECT_EQ(find("debian"), "/dev/sda1:/boot/debian.vhd");
  EXPECT_EQ(find("arch"), "/dev/sda1:/vhd/arch.raw");
  EXPECT_EQ(find("Fedora 42"), "/dev/sda1:/Fedora 42.img");
  EXPECT_EQ(find("arch.raw"), "/dev/sda1:/vhd/arch.raw");
  EXPECT_EQ(find("ARCH"), "/dev/sda1:/vhd/arch.raw");
  EXPECT_THAT(warnings, IsEmpty());
}

// What is wrong in the configuration of the EFI file is never passed over for the image that it is about.
TEST_F(FindCalled, ItsConfigurationIsWrong) {
  devices.plug("sda1", volume_with(0x1234ABCD, u"DATA", {"/boot/start.vhd", "/boot/other.vhd"}));
  ASSERT_TRUE(find("start"));
  settings.wrong = Error{Code::Invalid, 0, "start.conf:2: wrong"};
  const auto config = [&](std::string_view name) -> Result<record::ParsedConfig> {
    return config_of(TRY(find_called(*volumes, settings, name, report)), settings);
  };
  EXPECT_THAT(config("start"), Fails(Code::Invalid, "start.conf:2: wrong"));
  EXPECT_THAT(config("other")->warnings, testing::ElementsAre("it does not count: start.conf:2: wrong"));
}

TEST_F(FindCalled, AsItIsSpelledFirst) {
  devices.plug("sda1", volume_with(0x1234ABCD, u"DATA", {"/boot/debian.vhd"}));
  devices.plug("sdb1", volume_with(0x11111111, u"OTHER", {"/boot/Debian.vhd"}));
  EXPECT_EQ(find("debian"), "/dev/sda1:/boot/debian.vhd");
  EXPECT_EQ(find("Debian"), "/dev/sdb1:/boot/Debian.vhd");
  EXPECT_THAT(find("DEBIAN"), Fails(Code::Invalid, "more than one image is called DEBIAN"));
}

TEST_F(FindCalled, NeverAnotherOne) {
  devices.plug("sda1", volume_with(0x1234ABCD, u"DATA", {"/boot/debian.vhd", "/boot/start.vhd"}));
  for (const auto* name : {"debia", "debian.", "debian.vhd.vhd", "../boot/debian", "/boot/debian.vhd", "?", "*", "."})
    EXPECT_THAT(find(name, "wait=3"),
                Fails(Code::NotFound, concat("no image is called ", name, ", which was asked for this once, after 3")));
  EXPECT_THAT(
      find("arch", "wait=3"),
      Fails(Code::NotFound, "there is /boot/debian.vhd on /dev/sda1 (exFAT \"DATA\"); there is /boot/start.vhd"));
}

TEST_F(FindCalled, TwoOfThatName) {
  devices.plug("sda1", volume_with(0x1234ABCD, u"DATA", {"/boot/debian.vhd", "/vhd/debian.img"}));
  EXPECT_THAT(find("debian"), Fails(Code::Invalid,
                                    "more than one image is called debian, which was asked for this once: "
                                    "/boot/debian.vhd on /dev/sda1 (exFAT \"DATA\") and /vhd/debian.img on"));
  EXPECT_EQ(find("debian.img"), "/dev/sda1:/vhd/debian.img");
}

TEST_F(FindCalled, WhatIsNeverBootedIsNotInTheWay) {
  devices.plug("sda1", volume_with(0x1234ABCD, u"DATA", {"/boot/debian.qcow2", "/boot/debian.vhd", "/boot/arch.vmdk"}));
  EXPECT_EQ(find("debian"), "/dev/sda1:/boot/debian.vhd");
  EXPECT_EQ(find("debian.qcow2"), "/dev/sda1:/boot/debian.qcow2") << "opening it tells what to do";
  EXPECT_THAT(find("arch", "wait=1"), Fails(Code::NotFound, "there is /boot/arch.vmdk"));
}

TEST_F(FindCalled, OnADiskThatAppearsLate) {
  devices.plug("sda1", volume_with(0x1234ABCD, u"DATA", {}));
  devices.at(6s, [&] { devices.plug("sdb1", volume_with(0x11111111, u"OTHER", {"/vhd/arch.vhd"})); });
  EXPECT_EQ(find("arch"), "/dev/sdb1:/vhd/arch.vhd");
}

TEST_F(FindCalled, AnotherOneThatAppearsAMomentLater) {
  devices.plug("sda1", volume_with(0x1234ABCD, u"DATA", {"/boot/debian.vhd"}));
  devices.at(500ms, [&] { devices.plug("sdb1", volume_with(0x11111111, u"OTHER", {"/vhd/debian.vhd"})); });
  EXPECT_THAT(find("debian"), Fails(Code::Invalid, "more than one image is called debian"));
}

TEST_F(FindCalled, AnotherOneMayBeOnADiskThatFails) {
  devices.plug("sda1", volume_with(0x1234ABCD, u"DATA", {"/boot/debian.vhd"}));
  devices.plug("sdb1", volume_with(0x11111111, u"OTHER", {})).bad = {{0, 512}};
  EXPECT_THAT(find("debian"), Fails(Code::Io,
                                    "one image is called debian, which was asked for this once, "
                                    "/boot/debian.vhd on /dev/sda1 (exFAT \"DATA\"), but whether there is"));
}

TEST_F(FindCalled, InTheFolderOfTheConfiguredImage) {
  devices.plug("sda1", volume_with(0x1234ABCD, u"DATA", {"/Systems/debian.vhd", "/Systems/arch.vhd"}));
  EXPECT_EQ(find("debian", "image=/Systems/debian.vhd"), "/dev/sda1:/Systems/debian.vhd");
  EXPECT_EQ(find("arch", "image=/Systems/debian.vhd"), "/dev/sda1:/Systems/arch.vhd");
  EXPECT_THAT(find("arch", "wait=1"), Fails(Code::NotFound, "no image is called arch"));
}

}  // namespace
}  // namespace vhdboot::stage
