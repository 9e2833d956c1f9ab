// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/host_mount.h"

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::record {
namespace {

using test::Fails;

TEST(HostMount, ReadOnlyUnlessRwIsSaid) {
  EXPECT_EQ(*parse_host_mount("/disk"), (HostMount{.path = "/disk"}));
  EXPECT_EQ(*parse_host_mount("/disk ro"), (HostMount{.path = "/disk"}));
  EXPECT_EQ(*parse_host_mount("/disk\trw"), (HostMount{.path = "/disk", .read_only = false}));
  EXPECT_EQ(*parse_host_mount("/disk uid=1000"), (HostMount{.path = "/disk", .options = "uid=1000"}));
  EXPECT_EQ(*parse_host_mount(" //mnt/./my-disk/  rw  uid=1000,umask=022,nocase "),
            (HostMount{.path = "/mnt/my-disk", .read_only = false, .options = "uid=1000,umask=022,nocase"}));
}

TEST(HostMount, TextAndBack) {
  for (const char* text : {"/disk ro", "/disk rw", "/mnt/a rw uid=1000,gid=1000", "/\xC3\xB6 ro iocharset=utf8"})
    EXPECT_EQ(to_text(*parse_host_mount(text)), text);
}

TEST(HostMount, PathsThatAreNone) {
  for (const char* bad : {"", " ", "disk", "/", "//", "/.", "/a/../b", "\\disk", "rw", "/dev", "/dev/disk", "/proc/1",
                          "/sys", "/a%n", "/a\\", "/a\"b", "/a'b", "/a$b", "/a\x01"})
    EXPECT_THAT(parse_host_mount(bad), Fails(Code::Invalid, "expected an absolute path")) << bad;
  EXPECT_TRUE(parse_host_mount("/device"));
  EXPECT_THAT(parse_host_mount(concat('/', std::string(250, 'a'))), Fails(Code::Invalid, "expected an absolute path"));
  EXPECT_TRUE(parse_host_mount(concat('/', std::string(249, 'a'))));
  EXPECT_THAT(parse_host_mount(concat('/', std::string(63, '-'))), Fails(Code::Invalid, "expected an absolute path"));
}

TEST(HostMount, OptionsThatAreNone) {
  for (const char* bad :
       {"/disk rw ,", "/disk uid=1000,", "/disk rw =1", "/disk rw ro", "/disk ro,rw", "/disk rw force",
        "/disk rw umask=022,force", "/disk rw remove_hiberfile", "/disk rw recover", "/disk remount",
        "/disk x-systemd.automount", "/disk rw a%b", "/disk rw a\\", "/disk rw a=\"b\"", "/disk a;b"})
    EXPECT_THAT(parse_host_mount(bad), Fails(Code::Invalid, "expected options for the driver")) << bad;
  EXPECT_THAT(parse_host_mount("/disk rw uid=1 gid=1"), Fails(Code::Invalid, "in one word"));
  EXPECT_THAT(parse_host_mount("/disk uid=1 rw"), Fails(Code::Invalid, "in one word"));
  EXPECT_THAT(parse_host_mount(concat("/disk rw ", std::string(kMaxHostMountBytes, 'a'))),
              Fails(Code::Invalid, "more than"));
}

// What `systemd-escape --path --suffix=mount` says.
TEST(HostMount, NamesOfUnits) {
  EXPECT_EQ(mount_unit_name("/disk"), "disk.mount");
  EXPECT_EQ(mount_unit_name("/mnt/my-disk"), "mnt-my\\x2ddisk.mount");
  EXPECT_EQ(mount_unit_name("/.hidden/a.b_c:d"), "\\x2ehidden-a.b_c:d.mount");
  EXPECT_EQ(mount_unit_name("/\xC3\xB6"), "\\xc3\\xb6.mount");
}

}  // namespace
}  // namespace vhdboot::record
