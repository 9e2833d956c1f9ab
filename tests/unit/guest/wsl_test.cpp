// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/wsl.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/disk/memory_disk.h"

namespace vhdboot::guest {
namespace {

using test::Fails;
using test::Files;
using test::MemoryTree;
using test::to_buffer;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::string skeleton() {
  std::ifstream file(SOURCE_FOLDER "/fs-skeleton/wsl");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// A masked unit is an empty file here.
Files distribution() {
  return {{"/etc/wsl.conf", to_buffer("[user]\ndefault=me\n")},
          {"/etc/passwd", to_buffer("root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n")},
          {"/etc/shadow", to_buffer("root:*:1\nme:!:1\n")},
          {"/etc/resolv.conf/dangling", to_buffer("")},
          {"/mnt/wsl/x", to_buffer("")},
          {"/sbin/init", to_buffer("systemd")},
          {"/etc/systemd/system/systemd-networkd.service", {}},
          {"/etc/systemd/system/tmp.mount", {}},
          {"/etc/systemd/system/getty@.service", to_buffer("the guest's own")},
          {"/usr/lib/systemd/system/getty@.service", to_buffer("installed")},
          {"/usr/lib/systemd/system/systemd-networkd.service", to_buffer("[Service]\n")}};
}

class Wsl : public testing::Test {
 protected:
  Result<WslPlan> plan(bool auto_login = false, std::string_view fstab = "") {
    tree_ = std::make_unique<MemoryTree>(files, reads_);
    auto made = plan_wsl(disk::Folder(*tree_), entry::parse_fstab(fstab).value(), {}, auto_login, skeleton());
    last = made ? *made : WslPlan{};
    return made;
  }
  bool has(const std::string& name) const {
    return std::ranges::find(last.files, name, &GuestFile::name) != last.files.end();
  }
  std::string text(const std::string& name) const {
    const auto found = std::ranges::find(last.files, name, &GuestFile::name);
    EXPECT_NE(found, last.files.end()) << name;
    return found == last.files.end() ? "" : found->text;
  }
  std::string wants() const { return text("systemd/system.control/multi-user.target.d/vhdboot-wsl.conf"); }

  Files files = distribution();
  WslPlan last;

 private:
  std::map<std::string, unsigned> reads_;
  std::unique_ptr<MemoryTree> tree_;
};

TEST_F(Wsl, IsRecognised) {
  std::map<std::string, unsigned> reads;
  EXPECT_TRUE(is_wsl(disk::Folder(MemoryTree(files, reads))));
  EXPECT_TRUE(is_wsl(disk::Folder(MemoryTree({{"/etc/wsl-distribution.conf", {}}}, reads))));
  EXPECT_FALSE(is_wsl(disk::Folder(MemoryTree({{"/etc/fstab", {}}}, reads))));
}

TEST_F(Wsl, HasNoInit) {
  std::map<std::string, unsigned> reads;
  EXPECT_TRUE(check_has_init(disk::Folder(MemoryTree(files, reads))));
  files.erase("/sbin/init");
  files["/usr/lib/systemd/systemd"] = to_buffer("what nothing leads to");
  EXPECT_THAT(check_has_init(disk::Folder(MemoryTree(files, reads))),
              Fails(Code::Unsupported, "in WSL install the package systemd-sysv"));
}

TEST_F(Wsl, WhatFstabMountsComesBeforeWhatIsInstalled) {
  files["/usr/lib/systemd/system/tmp.mount"] = to_buffer("[Mount]\nOptions=installed\n");
  ASSERT_TRUE(plan(false, "tmpfs /tmp tmpfs size=5m\ntmpfs /mnt/wsl tmpfs size=6m\n"));
  EXPECT_THAT(text("systemd/system.control/tmp.mount"), HasSubstr("Options=size=5m\n"));
  EXPECT_THAT(text("systemd/system.control/mnt-wsl.mount"), HasSubstr("Options=size=6m\n"));
  for (const GuestFile& file : last.files)
    EXPECT_EQ(std::ranges::count(last.files, file.name, &GuestFile::name), 1) << file.name;
}

TEST_F(Wsl, AnFstabOfManyLines) {
  std::string of_windows, mounts;
  for (unsigned line = 0; line < 1000; ++line) {
    of_windows += concat("C: /mnt/", line, " drvfs\n");
    mounts += concat("tmpfs /t", line, " tmpfs\n");
  }
  ASSERT_TRUE(plan(false, of_windows));
  EXPECT_LT(last.notes.size(), 40U);
  EXPECT_THAT(last.notes.back(), HasSubstr("so are 968 more lines"));
  EXPECT_THAT(plan(false, mounts), Fails(Code::Unsupported, "mounts 1000 things, at most 256"));
}

TEST_F(Wsl, WhatIsMaskedWorksAgain) {
  ASSERT_TRUE(plan());
  EXPECT_THAT(text("systemd/system.control/systemd-networkd.service"), HasSubstr("[Service]\n"));
  EXPECT_FALSE(has("systemd/system.control/tmp.mount")) << "it is not installed";
  EXPECT_FALSE(has("systemd/system.control/getty@.service")) << "the guest has one of its own";
}

TEST_F(Wsl, ItsNetwork) {
  ASSERT_TRUE(plan());
  EXPECT_THAT(text("systemd/network/95-vhdboot.network"), AllOf(HasSubstr("Name=en* eth*\n"), HasSubstr("DHCP=yes\n")));
  EXPECT_THAT(wants(), HasSubstr(" systemd-networkd.service"));
  files["/etc/systemd/system/multi-user.target.wants/NetworkManager.service"] = to_buffer("x");
  ASSERT_TRUE(plan());
  EXPECT_FALSE(has("systemd/network/95-vhdboot.network"));
  EXPECT_THAT(wants(), Not(HasSubstr("networkd")));
  EXPECT_THAT(last.notes, Contains(HasSubstr("left to the guest's own NetworkManager.service")));
}

TEST_F(Wsl, WithoutNetworkd) {
  files.erase("/usr/lib/systemd/system/systemd-networkd.service");
  ASSERT_TRUE(plan());
  EXPECT_THAT(last.notes, Contains(HasSubstr("nothing in the guest looks for an address")));
  files["/lib/systemd/system/NetworkManager.service"] = to_buffer("x");
  ASSERT_TRUE(plan());
  EXPECT_THAT(wants(), HasSubstr(" NetworkManager.service"));
}

// A folder stands for a link that leads nowhere: its name is there, and nothing can be read.
TEST_F(Wsl, WhereItsServersOfNamesAreTold) {
  ASSERT_TRUE(plan());
  EXPECT_THAT(text("systemd/system.control/mnt-wsl.mount"), HasSubstr("\nWhere=/mnt/wsl\n"));
  EXPECT_THAT(wants(), HasSubstr(" vhdboot-resolv.path vhdboot-resolv-first.service\n"));
  files.erase("/mnt/wsl/x");
  files["/mnt/c/x"] = to_buffer("");
  ASSERT_TRUE(plan());
  EXPECT_THAT(last.notes, Contains(HasSubstr("no folder /mnt/wsl")));
  files.erase("/etc/resolv.conf/dangling");
  ASSERT_TRUE(plan());
  EXPECT_THAT(last.notes, Contains(HasSubstr("has no /etc/resolv.conf")));
  EXPECT_FALSE(has("systemd/system.control/mnt-wsl.mount"));
  files["/etc/resolv.conf"] = to_buffer("nameserver 1.1.1.1\n");
  ASSERT_TRUE(plan());
  EXPECT_FALSE(has("systemd/system.control/mnt-wsl.mount")) << "it is the guest's own";
  EXPECT_THAT(wants(), Not(HasSubstr("resolv")));
}

TEST_F(Wsl, ItsAccounts) {
  ASSERT_TRUE(plan());
  EXPECT_THAT(text("vhdboot/issue"), HasSubstr("Neither me nor root has a password"));
  EXPECT_THAT(text("systemd/system.control/getty@tty1.service.d/vhdboot.conf"),
              HasSubstr("agetty --issue-file /etc/issue:/run/vhdboot/issue --noclear"));
  ASSERT_TRUE(plan(true));
  EXPECT_FALSE(has("vhdboot/issue"));
  EXPECT_THAT(text("systemd/system.control/serial-getty@.service.d/vhdboot.conf"), HasSubstr("agetty --autologin me "));
  files["/etc/shadow"] = to_buffer("root:*:1\nme:$y$x:1\n");
  ASSERT_TRUE(plan());
  EXPECT_FALSE(has("systemd/system.control/getty@tty1.service.d/vhdboot.conf")) << "it asks as ever";
}

TEST_F(Wsl, ItsFstab) {
  ASSERT_TRUE(plan(false, "C: /mnt/c drvfs\ntmpfs /srv tmpfs\n"));
  EXPECT_TRUE(has("systemd/system.control/srv.mount"));
  EXPECT_THAT(last.kept, testing::SizeIs(1));
  EXPECT_THAT(last.notes, Contains(HasSubstr("only Windows")));
}

TEST_F(Wsl, AConfigurationThatIsNone) {
  files["/etc/wsl.conf"] = test::Buffer(70'000);
  EXPECT_THAT(plan(), Fails(Code::NoMemory, "wsl.conf"));
}

}  // namespace
}  // namespace vhdboot::guest
