// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/selector.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::disk {
namespace {

using test::Fails;
using By = Selector::By;

constexpr const char* kGuid = "C12A7328-f81f-11d2-ba4b-00a0c93ec93b";

TEST(Selector, VolumeWithKey) {
  EXPECT_EQ(parse_volume_selector("UUID=1234-abcd"), (Selector{By::Uuid, "1234-abcd"}));
  EXPECT_EQ(parse_volume_selector("uuid=\"0123456789ABCDEF\""), (Selector{By::Uuid, "0123456789ABCDEF"}))
      << "as blkid prints it";
  EXPECT_EQ(parse_volume_selector("PARTUUID=89abcdef-01"), (Selector{By::PartUuid, "89abcdef-01"}));
  EXPECT_EQ(parse_volume_selector(std::string("PARTUUID=") + kGuid), (Selector{By::PartUuid, kGuid}));
  EXPECT_EQ(parse_volume_selector("LABEL=My Disk"), (Selector{By::Label, "My Disk"}));
  EXPECT_EQ(parse_volume_selector("PartLabel=Basic data partition"), (Selector{By::PartLabel, "Basic data partition"}));
}

TEST(Selector, BareVolumeIsToldByItsForm) {
  EXPECT_EQ(parse_volume_selector("1234-ABCD")->by, By::Uuid);
  EXPECT_EQ(parse_volume_selector("0123456789abcdef")->by, By::Uuid);
  EXPECT_EQ(parse_volume_selector("12345678-0a")->by, By::PartUuid);
  EXPECT_EQ(parse_volume_selector(kGuid)->by, By::PartUuid);
}

TEST(Selector, WrongVolume) {
  EXPECT_THAT(parse_volume_selector(""), Fails(Code::Invalid, "UUID=, PARTUUID=, LABEL="));
  EXPECT_THAT(parse_volume_selector("/dev/sda1"), Fails(Code::Invalid, "found \"/dev/sda1\""));
  EXPECT_THAT(parse_volume_selector("UUID="), Fails(Code::Invalid, "UUID="));
  EXPECT_THAT(parse_volume_selector("UUID=zz"), Fails(Code::Invalid, "hexadecimal"));
  EXPECT_THAT(parse_volume_selector(std::string("UUID=") + kGuid), Fails(Code::Invalid, "serial of an NTFS"));
  EXPECT_THAT(parse_volume_selector("PARTUUID=1234-ABCD"), Fails(Code::Invalid, "GUID or SSSSSSSS-NN"));
  EXPECT_THAT(parse_volume_selector("LABEL="), Fails(Code::Invalid, "label"));
  EXPECT_THAT(parse_volume_selector("2"), Fails(Code::Invalid, "found \"2\"")) << "a number names no host volume";
}

TEST(Selector, Root) {
  EXPECT_EQ(parse_root_selector("2"), (Selector{.by = By::Number, .number = 2}));
  EXPECT_EQ(parse_root_selector("255")->number, 255u);
  EXPECT_EQ(parse_root_selector(std::string("UUID=") + kGuid), (Selector{By::Uuid, kGuid}));
  EXPECT_EQ(parse_root_selector(kGuid), (Selector{By::Uuid, kGuid})) << "a file system's";
  EXPECT_EQ(parse_root_selector("LABEL=root"), (Selector{By::Label, "root"}));
  EXPECT_EQ(parse_root_selector("89abcdef-01")->by, By::PartUuid);
  for (const char* bad : {"", "0", "256", "1000", "-1", "2a", "/dev/sda2", "/dev/loop0p2"})
    EXPECT_THAT(parse_root_selector(bad), Fails(Code::Invalid, "number of a partition")) << bad;
}

TEST(Selector, NamesOfDevices) {
  EXPECT_EQ(device_selector("UUID=1234-ABCD"), (Selector{By::Uuid, "1234-ABCD"}));
  EXPECT_EQ(device_selector("UUID=\"1234-ABCD\""), (Selector{By::Uuid, "1234-ABCD"}));
  EXPECT_EQ(device_selector("LABEL='my root'"), (Selector{By::Label, "my root"}));
  EXPECT_EQ(device_selector("/dev/disk/by-uuid/1234-ABCD"), (Selector{By::Uuid, "1234-ABCD"}));
  EXPECT_EQ(device_selector("/dev/disk/by-partuuid/89abcdef-01"), (Selector{By::PartUuid, "89abcdef-01"}));
  EXPECT_EQ(device_selector("/dev/disk/by-label/root"), (Selector{By::Label, "root"}));
  EXPECT_EQ(device_selector("PARTLABEL=root-x86-64"), (Selector{By::PartLabel, "root-x86-64"}));
  EXPECT_EQ(device_selector("/dev/disk/by-partlabel/EFI\\x20System\\x2f"), (Selector{By::PartLabel, "EFI System/"}));
  EXPECT_EQ(device_selector("/dev/disk/by-label/a\\xzz\\x2"), (Selector{By::Label, "a\\xzz\\x2"}));
  for (const char* none : {"", "/dev/sda2", "/dev/disk/by-id/x", "/dev/disk/by-uuid", "UUID=x y", "PARTLABEL=", "3",
                           "1234-ABCD", "tmpfs", "/dev/mapper/a=b"})
    EXPECT_FALSE(device_selector(none)) << none;
}

TEST(Selector, Matches) {
  const Identity volume{.uuid = "1234-ABCD", .partuuid = "89abcdef-01", .label = "Data", .number = 3, .partlabel = "x"};
  EXPECT_TRUE(matches({By::Uuid, "1234-abcd"}, volume));
  EXPECT_TRUE(matches({By::PartUuid, "89ABCDEF-01"}, volume));
  EXPECT_TRUE(matches({By::Label, "Data"}, volume));
  EXPECT_TRUE(matches({By::PartLabel, "x"}, volume));
  EXPECT_FALSE(matches({By::PartLabel, "Data"}, volume));
  EXPECT_FALSE(matches({By::Label, "data"}, volume)) << "labels match exactly";
  EXPECT_TRUE(matches({.by = By::Number, .number = 3}, volume));
  EXPECT_FALSE(matches({.by = By::Number, .number = 2}, volume));
  EXPECT_FALSE(matches({By::Uuid, "89abcdef-01"}, volume)) << "another kind of name";
}

TEST(Selector, UnknownFactsMatchNothing) {
  for (const auto by : {By::Uuid, By::PartUuid, By::Label, By::PartLabel, By::Number})
    EXPECT_FALSE(matches({.by = by}, {}));
}

TEST(Selector, Text) {
  EXPECT_EQ(to_text(Selector{By::Uuid, "1234-ABCD"}), "UUID=1234-ABCD");
  EXPECT_EQ(to_text(Selector{By::PartUuid, "89abcdef-01"}), "PARTUUID=89abcdef-01");
  EXPECT_EQ(to_text(Selector{By::Label, "Data"}), "LABEL=Data");
  EXPECT_EQ(to_text(Selector{By::PartLabel, "Data"}), "PARTLABEL=Data");
  EXPECT_EQ(to_text(Selector{.by = By::Number, .number = 2}), "partition 2");
}

}  // namespace
}  // namespace vhdboot::disk
