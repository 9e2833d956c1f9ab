// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/other_disks.h"

#include <gmock/gmock.h>

#include "base/text.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::guest {
namespace {

using test::Fails;

// The image has a root and a swap space; of another disk the root is a copy, and the rest is its own.
const std::vector<PresentDevice> kOwn{
    {.type = "ext4", .identity = {.uuid = "aa-01", .partuuid = "89abcdef-01", .label = "root", .number = 1}},
    {.type = "swap", .identity = {.uuid = "aa-02", .partuuid = "89abcdef-02", .label = "swap", .number = 2}}};
const std::vector<PresentDevice> kOthers{
    {.path = "/dev/sda1", .size = 1 << 30, .type = "ext4", .identity = {.uuid = "AA-01", .label = "data"}},
    {.path = "/dev/sda2", .size = 2 << 20, .type = "swap", .identity = {.uuid = "bb-02", .partuuid = "89abcdef-07"}},
    {.path = "/dev/sda3", .size = 1 << 20, .type = "vfat", .identity = {.uuid = "1234-ABCD", .partlabel = "system"}},
    {.path = "/dev/sdb", .size = 1 << 20, .type = "", .identity = {}}};

Result<void> check_line(std::string_view line) {
  return check_other_disks(kexec::CommandLine::parse(line), {}, kOwn, kOthers);
}

Result<void> check_fstab(std::string_view fstab) {
  return check_other_disks({}, {.fstab = entry::parse_fstab(fstab).value()}, kOwn, kOthers);
}

Result<void> check_crypttab(std::string_view crypttab) {
  return check_other_disks({}, {.crypttab = entry::parse_crypttab(crypttab).value()}, kOwn, kOthers);
}

TEST(OtherDisks, OptionsThatNameAnotherDisk) {
  EXPECT_THAT(check_line("root=UUID=aa-01"),
              Fails(Code::Unsafe, "root=UUID=aa-01 is also /dev/sda1, 1 GiB: the image "));
  EXPECT_THAT(check_line("mount.usr=PARTUUID=89ABCDEF-07"), Fails(Code::Unsafe, "is also /dev/sda2, 2 MiB"));
  EXPECT_THAT(check_line("root=/dev/disk/by-uuid/bb-02"), Fails(Code::Unsafe, "root=/dev/disk/by-uuid/bb-02 is"));
  EXPECT_THAT(check_line("root=PARTLABEL=system"), Fails(Code::Unsafe, "root=PARTLABEL=system is also /dev/sda3"));
  EXPECT_THAT(check_line("cryptdevice=LABEL=data:root"), Fails(Code::Unsafe, "cryptdevice="));
  EXPECT_THAT(check_line("cryptopts=target=a,source=UUID=aa-01,x"), Fails(Code::Unsafe, "cryptopts="));
  EXPECT_THAT(check_line("rd.luks.name=aa-01=root rd.luks.name=aa-02=more"), Fails(Code::Unsafe, "rd.luks.name=aa-01"));
  EXPECT_THAT(check_line("rd.luks.uuid=luks-aa-01"), Fails(Code::Unsafe, "rd.luks.uuid="));
  for (const char* line : {"", "root=UUID=aa-02", "root=/dev/mapper/root", "root=/dev/sda1", "root=1",
                           "root=", "root=UUID=aa-01 root=UUID=aa-02", "resume=UUID=bb-02",
                           "rd.luks.uuid=", "rd.luks.uuid", "-- root=UUID=aa-01"})
    EXPECT_TRUE(check_line(line)) << line;
}

TEST(OtherDisks, LinesOfFstabThatAreOnBoth) {
  EXPECT_THAT(
      check_fstab("\nUUID=aa-01 / ext4\n"),
      Fails(Code::Unsafe, "line 2 of the guest's /etc/fstab: UUID=aa-01 is also /dev/sda1, 1 GiB: the image is"));
  EXPECT_THAT(check_fstab("UUID='aa-01' /home ext4 nofail"), Fails(Code::Unsafe, "is also /dev/sda1"));
  EXPECT_THAT(check_fstab("UUID=aa-01 /home ext4 noauto,x-systemd.automount"), Fails(Code::Unsafe, "is also"));
  EXPECT_TRUE(check_fstab("UUID=aa-01 /home ext4 rw,noauto"));
  EXPECT_TRUE(check_fstab("UUID=aa-02 none swap\nLABEL=swap none swap\ntmpfs /tmp tmpfs\n/dev/mapper/a /b ext4\n"));
  // On another disk alone: that is meant.
  EXPECT_TRUE(check_fstab("LABEL=data /data ext4\nUUID=1234-ABCD /windows vfat\n"));
}

TEST(OtherDisks, SwapIsWrittenTo) {
  EXPECT_THAT(check_fstab("UUID=bb-02 none swap sw"),
              Fails(Code::Unsafe, "is also /dev/sda2, 2 MiB: the image has no such swap space"));
  EXPECT_THAT(check_fstab("PARTUUID=89abcdef-07 none swap"), Fails(Code::Unsafe, "no such swap space"));
  EXPECT_TRUE(check_fstab("UUID=bb-02 none swap nofail"));
  EXPECT_TRUE(check_fstab("UUID=bb-02 none swap noauto"));
}

TEST(OtherDisks, PlacesThatAreAnotherDisks) {
  EXPECT_THAT(check_fstab("/dev/sda3 /boot/efi vfat"),
              Fails(Code::Unsafe, "/dev/sda3, as the guest calls it, is also /dev/sda3, 1 MiB: on this machine"));
  EXPECT_THAT(check_fstab("/dev/sda2 none swap"), Fails(Code::Unsafe, "by UUID="));
  EXPECT_THAT(check_fstab("/dev/sda1 /home auto"), Fails(Code::Unsafe, "/dev/sda1"));
  for (const char* fstab : {"/dev/sda1 / ext4", "/dev/sda1 /home xfs", "/dev/sda9 /home ext4", "/dev/sdb /x auto",
                            "/dev/sda3 /boot/efi vfat noauto"})
    EXPECT_TRUE(check_fstab(fstab)) << fstab;
}

TEST(OtherDisks, WhatIsPutTogetherUnnamed) {
  const auto check = [](const std::string& type, const std::string& uuid) {
    const std::vector<PresentDevice> own{
        {.path = "partition 2 of the guest disk", .type = type, .identity = {.uuid = uuid}}};
    const std::vector<PresentDevice> others{
        {.path = "/dev/sda3", .size = 1 << 30, .type = "btrfs", .identity = {.uuid = "cc-01"}},
        {.path = "/dev/sda4", .size = 1 << 30, .type = "crypto_LUKS", .identity = {.uuid = "cc-02"}},
        {.path = "/dev/sda5", .size = 1 << 30, .type = "ext4", .identity = {.uuid = "cc-03"}}};
    return check_other_disks({}, {}, own, others);
  };
  EXPECT_THAT(
      check("btrfs", "cc-01"),
      Fails(Code::Unsafe, "the btrfs on partition 2 of the guest disk is also /dev/sda3, 1 GiB: the image is a"));
  EXPECT_THAT(check("crypto_LUKS", "cc-02"), Fails(Code::Unsafe, "/dev/sda4"));
  EXPECT_TRUE(check("btrfs", "cc-02"));
  EXPECT_TRUE(check("btrfs", ""));
  EXPECT_TRUE(check("ext4", "cc-03"));  // only by its name
}

// What is formatted whenever the guest starts needs no signature to be lost.
TEST(OtherDisks, CrypttabFormats) {
  for (const char* name : {"/dev/sda3", "/dev/nvme0n1p2", "/dev/vdb", "/dev/disk/by-id/ata-X-part3",
                           "/dev/disk/by-path/pci-0000:00:1f.2-ata-1-part2"})
    for (const char* options : {"swap", "cipher=aes-xts-plain64,size=512,swap", "tmp", "tmp=ext4", "swap,nofail"})
      EXPECT_THAT(check_crypttab(concat("\n\tx ", name, " /dev/urandom ", options)),
                  Fails(Code::Unsafe, concat("line 2 of the guest's /etc/crypttab: ", name,
                                             " is formatted whenever the guest starts")))
          << options;
  EXPECT_THAT(check_crypttab("swap UUID=bb-02 /dev/urandom swap"),
              Fails(Code::Unsafe, "is also /dev/sda2, 2 MiB: the image has no such partition"));
  EXPECT_THAT(check_crypttab("swap PARTLABEL=system /dev/urandom swap"), Fails(Code::Unsafe, "would format that disk"));
  for (const char* line : {"", "x", "swap /dev/loop0p3 /dev/urandom swap", "# swap /dev/sda3 /dev/urandom swap",
                           "swap /dev/sda3 /dev/urandom swap,noauto", "swap UUID=aa-02 /dev/urandom swap",
                           "swap /swapfile /dev/urandom swap", "swap /dev/mapper/a-swap /dev/urandom swap",
                           "swap PARTUUID=elsewhere - swap"})
    EXPECT_TRUE(check_crypttab(line)) << line;
}

TEST(OtherDisks, CrypttabOpens) {
  EXPECT_THAT(check_crypttab("root UUID=aa-01 none luks"), Fails(Code::Unsafe, "the image is a copy of that disk"));
  EXPECT_TRUE(check_crypttab("data UUID=bb-02 none luks")) << "on another disk alone: that is meant";
  EXPECT_TRUE(check_crypttab("data /dev/sda2 none luks")) << "it is not encrypted";
  const std::vector<PresentDevice> others{{.path = "/dev/sda4", .type = "crypto_LUKS", .identity = {.uuid = "z"}}};
  EXPECT_THAT(check_other_disks({}, {.crypttab = {{.device = "/dev/sda4", .line = 1}}}, kOwn, others),
              Fails(Code::Unsafe, "/dev/sda4, as the guest calls it, is also /dev/sda4"));
}

TEST(OtherDisks, WhereAnUpgradeInstallsGrub) {
  const auto warning = [](std::string disks) { return grub_warning({.grub_disks = std::move(disks)}).value_or(""); };
  EXPECT_THAT(warning("/dev/sda"),
              testing::HasSubstr("would install GRUB on /dev/sda, which is a disk of this machine"));
  EXPECT_THAT(warning("/dev/disk/by-id/ata-A, /dev/vda"), testing::HasSubstr("on /dev/disk/by-id/ata-A, /dev/vda,"));
  EXPECT_EQ(warning(""), "");
  EXPECT_EQ(warning("/dev/mapper/x"), "");
}

TEST(OtherDisks, VolumeGroupsOfOneName) {
  const std::vector<PresentDevice> others{{.path = "/dev/sda3",
                                           .size = 1 << 30,
                                           .type = "LVM2_member",
                                           .identity = {.uuid = "x"},
                                           .volume_group = "fedora"}};
  const auto check = [&](const std::string& group) {
    return check_other_disks({}, {}, {{.type = "LVM2_member", .identity = {.uuid = "y"}, .volume_group = group}},
                             others);
  };
  EXPECT_THAT(
      check("fedora"),
      Fails(Code::Unsafe, "the image has the volume group fedora, and so has /dev/sda3, 1 GiB: the guest could take"));
  EXPECT_TRUE(check("guest"));
  EXPECT_TRUE(check(""));
}

// --- a further disk of the guest

Result<void> check_further(std::string_view line, std::string_view fstab = "", std::string_view crypttab = "") {
  std::vector<PresentDevice> own = kOthers;
  for (PresentDevice& one : own) one.disk = 1;
  own.insert(own.end(), kOwn.begin(), kOwn.end());
  return check_own_disks(
      kexec::CommandLine::parse(line),
      {.fstab = entry::parse_fstab(fstab).value(), .crypttab = entry::parse_crypttab(crypttab).value()}, own);
}

TEST(FurtherDisk, WhatTheGuestHasAsWellIsACopy) {
  EXPECT_THAT(check_further("root=UUID=aa-01"),
              Fails(Code::Unsafe,
                    "root=UUID=aa-01 is also /dev/sda1, 1 GiB: the guest would have both, and could mount "
                    "the one for the other. Take that disk out of the configuration"));
  EXPECT_THAT(check_further("", "UUID=aa-01 /home ext4"), Fails(Code::Unsafe, "the guest would have both"));
  EXPECT_THAT(check_further("", "", "root UUID=aa-01 none luks"), Fails(Code::Unsafe, "the guest would have both"));
}

TEST(FurtherDisk, WhatItAloneHasIsMeant) {
  EXPECT_TRUE(check_further("mount.usr=PARTUUID=89ABCDEF-07"));
  EXPECT_TRUE(check_further("root=UUID=aa-02", "UUID=bb-02 none swap sw\nLABEL=data /data ext4\n"));
  EXPECT_TRUE(check_further("", "", "swap UUID=bb-02 /dev/urandom swap"));
}

TEST(FurtherDisk, VolumeGroups) {
  const auto check = [](const std::string& group, const std::string& id, const std::string& volume) {
    const PresentDevice own{
        .type = "LVM2_member", .identity = {.uuid = "y"}, .volume_group = "debian", .group_id = "one"};
    const PresentDevice other{.path = "partition 1 of /vhd/data.vhd",
                              .type = "LVM2_member",
                              .identity = {.uuid = volume},
                              .volume_group = group,
                              .group_id = id,
                              .disk = 1};
    return check_own_disks({}, {}, {other, own});
  };
  EXPECT_TRUE(check("data", "two", "x"));
  EXPECT_TRUE(check("debian", "one", "x")) << "it is a part of the same group";
  EXPECT_THAT(check("debian", "two", "x"),
              Fails(Code::Unsafe, "and so has partition 1 of /vhd/data.vhd, 0 B: the guest would have both"));
  EXPECT_THAT(check("debian", "", "x"), Fails(Code::Unsafe, "vgrename"));
  EXPECT_THAT(check("debian", "one", "y"), Fails(Code::Unsafe, "the guest would have both")) << "a copy";
  const PresentDevice half{.type = "btrfs", .identity = {.uuid = "z"}, .disk = 1};
  EXPECT_TRUE(check_own_disks({}, {}, {half, half})) << "both on one disk";
}

}  // namespace
}  // namespace vhdboot::guest
