// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/host_mount_unit.h"

#include <gmock/gmock.h>

#include "base/text.h"

namespace vhdboot::guest {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

TEST(HostMountUnit, PicksWhatTheGuestHas) {
  auto units = host_mount_units({.path = "/mnt/my-disk"}, volume::Kind::Ntfs);
  ASSERT_THAT(units, SizeIs(1));
  EXPECT_EQ(units[0].name, "mnt-my\\x2ddisk.mount");
  EXPECT_THAT(units[0].text,
              AllOf(HasSubstr("\nWhat=/dev/vhdboot/host\n"), HasSubstr("\nWhere=/mnt/my-disk\n"),
                    HasSubstr("\nType=ntfs3,ntfs-3g\n"), HasSubstr("\nOptions=nofail,ro,noatime,nodev,nosuid\n"),
                    HasSubstr("\nConditionPathExists=!/etc/initrd-release\n"), Not(HasSubstr("OnFailure"))));
  units = host_mount_units({.path = "/disk", .read_only = false, .options = "uid=1000"}, volume::Kind::Exfat);
  ASSERT_THAT(units, SizeIs(1));
  EXPECT_THAT(units[0].text, AllOf(HasSubstr("\nType=exfat,exfat-fuse\n"),
                                   HasSubstr("\nOptions=nofail,rw,noatime,nodev,nosuid,uid=1000\n")));
  units = host_mount_units({.path = "/disk", .read_only = false, .options = "uid=1000"}, volume::Kind::Ntfs);
  ASSERT_THAT(units, SizeIs(2));
  EXPECT_THAT(units[0].text, HasSubstr(concat("\nOnFailure=", units[1].name, '\n')));
  EXPECT_THAT(units[1].text, HasSubstr("-t ntfs3 -o ro,noatime,nodev,nosuid,uid=1000 /dev/vhdboot/host /disk\n"));
}

TEST(HostMountUnit, TheRuleOfTheHostDevice) {
  const auto rules = host_device_rules();
  ASSERT_THAT(rules, SizeIs(2));
  EXPECT_GT(rules[0].name, "10-dm.rules") << "which sets the same flags";
  EXPECT_LT(rules[0].name, "13-dm-disk.rules") << "which reads the device";
  EXPECT_THAT(rules[0].text, AllOf(HasSubstr("ATTR{dm/name}==\"vhdboot-host\""),
                                   HasSubstr("ENV{UDEV_DISABLE_PERSISTENT_STORAGE_RULES_FLAG}=\"1\"")));
  EXPECT_LT(rules[1].name, "99-systemd.rules") << "which would take the device for one that is not ready";
  EXPECT_THAT(rules[1].text, AllOf(HasSubstr("ATTR{dm/name}==\"vhdboot-host\""), HasSubstr("SYMLINK=\"vhdboot/host\""),
                                   HasSubstr("ENV{UDISKS_IGNORE}=\"1\"")));
}

}  // namespace
}  // namespace vhdboot::guest
