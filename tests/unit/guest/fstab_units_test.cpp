// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/fstab_units.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace vhdboot::guest {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

FstabUnits units(std::string_view text) {
  return fstab_units(entry::parse_fstab(text).value(),
                     {{.uuid = "f-1", .partuuid = {}, .label = "my data", .number = 0, .partlabel = {}}}, "", "");
}

std::string text_of(const FstabUnits& units, const std::string& name) {
  const auto found = std::ranges::find(units.files, name, &GuestFile::name);
  EXPECT_NE(found, units.files.end()) << name;
  return found == units.files.end() ? "" : found->text;
}

TEST(FstabUnits, NothingOfWindows) {
  const auto found = units(
      "LABEL=cloudimg-rootfs / ext4 defaults 0 1\nC: /mnt/c drvfs defaults 0 0\nx /y 9p trans=fd 0 0\n"
      "UUID=dead /data ext4 defaults 0 2\n/dev/sdb1 /old ext4 defaults 0 2\n");
  EXPECT_THAT(found.files, IsEmpty());
  EXPECT_THAT(found.kept, IsEmpty());
  EXPECT_THAT(
      found.dropped,
      ElementsAre("line 2 of the guest's /etc/fstab, \"C:\" at \"/mnt/c\", is left out: only Windows offers that",
                  HasSubstr("line 3"), HasSubstr("\"/data\", is left out: there is no such device here"),
                  HasSubstr("by that name this machine may have another disk")));
}

TEST(FstabUnits, WhatHoldsHere) {
  const auto found = units("UUID=f-1 /srv/a-b ext4 noatime,x=50% 0 2\nLABEL=my\\040data /other ext4\n");
  EXPECT_THAT(found.dropped, IsEmpty());
  EXPECT_EQ(text_of(found, "srv-a\\x2db.mount"),
            "[Unit]\nConditionPathExists=!/etc/initrd-release\n"
            "Requires=systemd-fsck@dev-disk-by\\x2duuid-f\\x2d1.service\n"
            "After=systemd-fsck@dev-disk-by\\x2duuid-f\\x2d1.service\n"
            "\n[Mount]\nWhat=/dev/disk/by-uuid/f-1\nWhere=/srv/a-b\nType=ext4\nOptions=noatime,x=50%%\n");
  EXPECT_THAT(text_of(found, "other.mount"),
              AllOf(HasSubstr("What=/dev/disk/by-label/my\\x20data\n"), Not(HasSubstr("fsck"))));
  EXPECT_THAT(text_of(found, "local-fs.target.d/vhdboot-fstab.conf"),
              HasSubstr("Requires= srv-a\\x2db.mount other.mount\nAfter= srv-a\\x2db.mount other.mount\n"));
}

TEST(FstabUnits, WhatIsNoDevice) {
  const auto found = units(
      "tmpfs /t tmpfs size=1m\n/srv /bound none bind\nserver:/x /nfs nfs _netdev,nofail\n/swap.img none swap sw\n"
      "tmpfs /later tmpfs noauto\ntmpfs /t tmpfs size=2m\n");
  EXPECT_THAT(found.dropped, ElementsAre(HasSubstr("another line has that place")));
  EXPECT_THAT(text_of(found, "t.mount"), AllOf(HasSubstr("Options=size=1m\n"), Not(HasSubstr("fsck"))));
  EXPECT_THAT(text_of(found, "swap.img.swap"), HasSubstr("[Swap]\nWhat=/swap.img\n"));
  EXPECT_THAT(text_of(found, "swap.target.d/vhdboot-fstab.conf"), HasSubstr("Requires= swap.img.swap\n"));
  EXPECT_THAT(text_of(found, "remote-fs.target.d/vhdboot-fstab.conf"), HasSubstr("Wants= nfs.mount\n"));
  EXPECT_THAT(text_of(found, "local-fs.target.d/vhdboot-fstab.conf"), Not(HasSubstr("later.mount")));
}

TEST(FstabUnits, WhatDoesNotFitAUnit) {
  for (const char* line : {"tmpfs relative tmpfs", "tmpfs /a/../b tmpfs", "tmpfs /a//b tmpfs", "x\\012y /a tmpfs",
                           "tmpfs /a\\012b tmpfs", "tmpfs /a tmpfs b\\134", "tmpfs /a/ tmpfs"})
    EXPECT_THAT(units(line).files, IsEmpty()) << line;
  EXPECT_THAT(units("tmpfs /" + std::string(300, 'x') + " tmpfs").files, IsEmpty());
}

}  // namespace
}  // namespace vhdboot::guest
