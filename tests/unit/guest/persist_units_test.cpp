// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/persist_units.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/text.h"

namespace vhdboot::guest {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Made of the file that is in the boot kernel's memory.
std::vector<GuestFile> units(const std::string& paths, const std::string& device = "/dev/loop1") {
  std::ifstream file(SOURCE_FOLDER "/fs-skeleton/persist");
  std::ostringstream text;
  text << file.rdbuf();
  return persist_units(text.str(), device, paths, "It forgets.\n");
}

std::string text_of(const std::vector<GuestFile>& files, const std::string& name) {
  const auto found = std::ranges::find(files, name, &GuestFile::name);
  EXPECT_NE(found, files.end()) << name;
  return found == files.end() ? "" : found->text;
}

std::string unit(const std::vector<GuestFile>& files, const std::string& name) {
  return text_of(files, "systemd/system.control/" + name);
}

TEST(PersistUnits, TheFileSystem) {
  const auto text = unit(units("/home", "/dev/loop1p1"), "run-vhdboot-persist.mount");
  EXPECT_THAT(text, HasSubstr("\n[Mount]\nWhat=/dev/loop1p1\nWhere=/run/vhdboot/persist\n"));
  EXPECT_THAT(text,
              AllOf(HasSubstr("\nRequires=systemd-fsck@dev-loop1p1.service\n"),
                    HasSubstr("\nAfter=systemd-fsck@dev-loop1p1.service\n"), HasSubstr("\nBefore=local-fs.target\n"),
                    HasSubstr("\nConditionPathExists=!/etc/initrd-release\n"), Not(HasSubstr("nofail"))));
}

TEST(PersistUnits, ASlowMachine) {
  EXPECT_THAT(unit(units("/home", "/dev/loop1p1"), "dev-loop1p1.device.d/vhdboot.conf"),
              HasSubstr("\n[Unit]\nJobRunningTimeoutSec=10min\n"));
}

TEST(PersistUnits, ADirectory) {
  const auto files = units("/var/log /srv/a-b.c /.x /@PATHS@");
  EXPECT_THAT(
      unit(files, "var-log.mount"),
      AllOf(HasSubstr("\n[Mount]\nWhat=/run/vhdboot/persist/var/log\nWhere=/var/log\nType=none\nOptions=bind\n"),
            HasSubstr("\nRequires=vhdboot-persist-fill.service\nAfter=vhdboot-persist-fill.service\n"),
            HasSubstr("\nBefore=local-fs.target\n")));
  // systemd-escape --path --suffix=mount
  EXPECT_THAT(unit(files, "srv-a\\x2db.c.mount"), HasSubstr("\nWhere=/srv/a-b.c\n"));
  EXPECT_THAT(unit(files, "\\x2ex.mount"), HasSubstr("\nWhere=/.x\n"));
  EXPECT_THAT(unit(files, "\\x40PATHS\\x40.mount"), HasSubstr("\nWhere=/@PATHS@\n"));
}

TEST(PersistUnits, TheyAreDoneInOrder) {
  const auto files = units("/home /var/log /var/lib/a-b");
  EXPECT_THAT(unit(files, "vhdboot-persist-fill.service"),
              AllOf(HasSubstr("\nRequires=run-vhdboot-persist.mount\nRequiresMountsFor=/ /var /var/lib \nAfter="
                              "run-vhdboot-persist.mount local-fs-pre.target"),
                    HasSubstr("\nExecStart=/bin/sh /run/vhdboot/persist.sh /home /var/log /var/lib/a-b\n")));
  EXPECT_THAT(unit(files, "vhdboot-persist-check.service"),
              AllOf(HasSubstr("\nRequires=home.mount var-log.mount var-lib-a\\x2db.mount \n"
                              "After=home.mount var-log.mount var-lib-a\\x2db.mount \n"),
                    HasSubstr("persist.sh check /home /var/log")));
  // What wants all of it is there last.
  EXPECT_EQ(files.back().name, "systemd/system.control/local-fs.target.d/vhdboot.conf");
  EXPECT_THAT(files.back().text, HasSubstr("[Unit]\nRequires=vhdboot-persist-check.service\nAfter="));
}

TEST(PersistUnits, ThatNothingIsKeptIsSaidUntilItIs) {
  const auto files = units("/home /var/log");
  EXPECT_EQ(text_of(files, "vhdboot/kept"), "It forgets.\nvhdboot: kept are /home /var/log.\n");
  for (const auto* shown : {"issue.d/vhdboot.issue", "motd.d/vhdboot"})
    EXPECT_EQ(text_of(files, shown), "It forgets.\nvhdboot: NOT kept are /home /var/log: they are not mounted.\n");
  EXPECT_THAT(text_of(files, "vhdboot/persist.sh"), HasSubstr("cp /run/vhdboot/kept \"/run/$place\""));
}

TEST(PersistUnits, EveryPlaceIsFilled) {
  for (const GuestFile& file : units("/home /var/log"))
    for (const auto* key : {"MOUNT", "MOUNTS", "PATH", "PATHS", "ABOVE", "DEVICE", "NOTICE", "DEVICE_UNIT"})
      EXPECT_THAT(file.text + file.name, Not(HasSubstr(concat('@', key, '@')))) << file.name;
  EXPECT_TRUE(persist_units("", "/dev/loop1", "/home", "").empty());
  EXPECT_EQ(persist_units("=== a", "/dev/loop1", "/home", "").front(), (GuestFile{"a", ""}));
}

}  // namespace
}  // namespace vhdboot::guest
