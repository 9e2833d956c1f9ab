// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/persist_units.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/text.h"

namespace vhdboot::guest {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string text_of(const std::vector<GuestFile>& files, const std::string& name) {
  const auto found = std::ranges::find(files, name, &GuestFile::name);
  EXPECT_NE(found, files.end()) << name;
  return found == files.end() ? "" : found->text;
}

std::string unit(const std::vector<GuestFile>& files, const std::string& name) {
  return text_of(files, "systemd/system.control/" + name);
}

TEST(PersistUnits, TheFileSystem) {
  const auto text = unit(persist_units("/dev/loop1p1", {"/home"}), "run-vhdboot-persist.mount");
  EXPECT_THAT(text, HasSubstr("\n[Mount]\nWhat=/dev/loop1p1\nWhere=/run/vhdboot/persist\n"));
  EXPECT_THAT(text,
              AllOf(HasSubstr("\nRequires=systemd-fsck@dev-loop1p1.service\n"),
                    HasSubstr("\nAfter=systemd-fsck@dev-loop1p1.service\n"), HasSubstr("\nBefore=local-fs.target\n"),
                    HasSubstr("\nConditionPathExists=!/etc/initrd-release\n"), Not(HasSubstr("nofail"))));
}

TEST(PersistUnits, ADirectory) {
  const auto files = persist_units("/dev/loop1", {"/var/log", "/srv/a-b.c", "/.x"});
  EXPECT_THAT(
      unit(files, "var-log.mount"),
      AllOf(HasSubstr("\n[Mount]\nWhat=/run/vhdboot/persist/var/log\nWhere=/var/log\nType=none\nOptions=bind\n"),
            HasSubstr("\nRequires=vhdboot-persist-fill.service\nAfter=vhdboot-persist-fill.service\n"),
            HasSubstr("\nBefore=local-fs.target\n")));
  // systemd-escape --path --suffix=mount
  EXPECT_THAT(unit(files, "srv-a\\x2db.c.mount"), HasSubstr("\nWhere=/srv/a-b.c\n"));
  EXPECT_THAT(unit(files, "\\x2ex.mount"), HasSubstr("\nWhere=/.x\n"));
}

TEST(PersistUnits, TheyAreDoneInOrder) {
  const auto files = persist_units("/dev/loop1", {"/home", "/var/log", "/var/lib/a-b", "/var/cache"});
  const auto fill = unit(files, "vhdboot-persist-fill.service");
  EXPECT_THAT(fill,
              AllOf(HasSubstr("\nRequires=run-vhdboot-persist.mount\nAfter=run-vhdboot-persist.mount\n"),
                    HasSubstr("\nRequiresMountsFor=/var\nRequiresMountsFor=/var/lib\n"),
                    HasSubstr("\nExecStart=/bin/sh /run/vhdboot/persist.sh /home /var/log /var/lib/a-b /var/cache\n"),
                    HasSubstr("\nType=oneshot\n"), Not(HasSubstr("RequiresMountsFor=\n"))));
  const auto check = unit(files, "vhdboot-persist-check.service");
  for (const auto* bind : {"home", "var-log", "var-lib-a\\x2db", "var-cache"})
    EXPECT_THAT(check, HasSubstr(concat("\nRequires=", bind, ".mount\nAfter=", bind, ".mount\n")));
  EXPECT_THAT(check, HasSubstr("persist.sh check /home /var/log"));
  // What wants all of it is there last.
  EXPECT_EQ(files.back().name, "systemd/system.control/local-fs.target.d/vhdboot.conf");
  EXPECT_THAT(files.back().text, HasSubstr("[Unit]\nRequires=vhdboot-persist-check.service\nAfter="));
}

TEST(PersistUnits, ThatNothingIsKeptIsSaidUntilItIs) {
  const auto notices = persist_notices("all is well\n", {"/home", "/var/log"});
  EXPECT_EQ(text_of(notices, "vhdboot/kept"), "all is well\n");
  for (const auto* shown : {"issue.d/vhdboot.issue", "motd.d/vhdboot"})
    EXPECT_THAT(text_of(notices, shown), HasSubstr("ALSO what `persist-paths` names (/home, /var/log)")) << shown;
  EXPECT_THAT(text_of(persist_units("/dev/loop1", {"/home"}), "vhdboot/persist.sh"),
              HasSubstr("cp /run/vhdboot/kept \"/run/$place\""));
}

}  // namespace
}  // namespace vhdboot::guest
