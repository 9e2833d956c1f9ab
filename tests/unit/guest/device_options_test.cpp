// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/device_options.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::guest {
namespace {

using test::Fails;
using testing::ElementsAre;

DiskFacts disk() {
  return {.scheme = disk::Scheme::Gpt,
          .partitions = {{.number = 1, .partuuid = "p-1", .fs_type = "vfat", .fs_uuid = "1234-ABCD"},
                         {.number = 2, .partuuid = "p-2", .fs_type = "crypto_LUKS", .fs_uuid = "l-2"},
                         {.number = 3, .partuuid = "p-3", .fs_type = "", .fs_uuid = ""}}};
}

std::string renamed(std::string_view text) {
  auto line = kexec::CommandLine::parse(text);
  const auto changes = rename_devices(line, disk());
  return changes ? line.text() : changes.error().text;
}

TEST(DeviceOptions, NamedByContent) {
  EXPECT_EQ(renamed("ro mount.usr=/dev/sda2 quiet"), "ro mount.usr=UUID=l-2 quiet");
  EXPECT_EQ(renamed("mount.usr=/dev/nvme0n1p3"), "mount.usr=PARTUUID=p-3");
  EXPECT_EQ(renamed("cryptdevice=/dev/sda2:root root=/dev/mapper/root"),
            "cryptdevice=UUID=l-2:root root=/dev/mapper/root");
  EXPECT_EQ(renamed("cryptdevice=/dev/vda2:root:allow-discards,x"), "cryptdevice=UUID=l-2:root:allow-discards,x");
  EXPECT_EQ(renamed("cryptkey=/dev/sda1:vfat:/key"), "cryptkey=UUID=1234-ABCD:vfat:/key");
}

TEST(DeviceOptions, EachOfSeveral) {
  EXPECT_EQ(renamed("systemd.mount-extra=/dev/sda1:/a:vfat:ro x systemd.mount_extra=/dev/sda2:/b"),
            "systemd.mount-extra=UUID=1234-ABCD:/a:vfat:ro x systemd.mount_extra=UUID=l-2:/b");
  EXPECT_EQ(renamed("systemd.swap-extra=/dev/sda3:pri=1"), "systemd.swap-extra=PARTUUID=p-3:pri=1");
  auto line = kexec::CommandLine::parse("cryptkey=/dev/sda1:vfat:/key mount.usr=/dev/sda3 ro");
  const auto changes = rename_devices(line, disk());
  ASSERT_TRUE(changes);
  EXPECT_THAT(*changes,
              ElementsAre(RenamedDevice{"mount.usr=/dev/sda3", "mount.usr=PARTUUID=p-3"},
                          RenamedDevice{"cryptkey=/dev/sda1:vfat:/key", "cryptkey=UUID=1234-ABCD:vfat:/key"}));
}

TEST(DeviceOptions, TheSourceAmongOthers) {
  EXPECT_EQ(renamed("cryptopts=target=root,source=/dev/sda2,key=none"),
            "cryptopts=target=root,source=UUID=l-2,key=none");
  EXPECT_EQ(renamed("cryptopts=source=/dev/sda2 cryptopts=source=/dev/sda3,target=b,"),
            "cryptopts=source=UUID=l-2 cryptopts=source=PARTUUID=p-3,target=b,");
  for (const auto text : {"cryptopts=", "cryptopts=,", "cryptopts=source=", "cryptopts=target=/dev/sda2",
                          "cryptopts=source=UUID=l-2,target=a", "cryptopts=,source=/dev/mapper/a,,"})
    EXPECT_EQ(renamed(text), text);
  EXPECT_EQ(renamed("cryptopts=source=/dev/sdb1").substr(0, 11), "cryptopts=:");
}

TEST(DeviceOptions, WhatIsFoundByContentStays) {
  for (const auto text : {"mount.usr=UUID=l-2", "mount.usr=/dev/mapper/vg-usr", "cryptdevice=UUID=l-2:root",
                          "cryptdevice=/dev/vg/lv:root", "cryptkey=rootfs:/key", "cryptkey=802", "mount.usr",
                          "mount.usrflags=/dev/sda2", "mount.usr=\"LABEL=a b\"", "quiet -- mount.usr=/dev/sda2"})
    EXPECT_EQ(renamed(text), text);
}

TEST(DeviceOptions, HibernationIsNobodysBusiness) {
  EXPECT_EQ(renamed("resume=/dev/sda9 nohibernate"), "resume=/dev/sda9 nohibernate");
}

TEST(DeviceOptions, NoSuchDevice) {
  auto line = kexec::CommandLine::parse("mount.usr=/dev/sda4");
  EXPECT_THAT(rename_devices(line, disk()), Fails(Code::NotFound, "mount.usr=: the guest names \"/dev/sda4\""));
  line = kexec::CommandLine::parse("cryptdevice=/dev/sdb1:root");
  EXPECT_THAT(rename_devices(line, disk()), Fails(Code::NotFound, "cryptdevice=: the guest names \"/dev/sdb1\""));
}

}  // namespace
}  // namespace vhdboot::guest
