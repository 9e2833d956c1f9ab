// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/boot_count.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::entry {
namespace {

using test::Fails;
using ::testing::HasSubstr;

TEST(BootCount, TheNextPath) {
  const auto check = [](std::string_view path, std::optional<std::string_view> next) {
    EXPECT_EQ(next_boot_path(path), next) << path;
  };
  check("/loader/entries/arch+3.conf", "/loader/entries/arch+2-1.conf");
  check("/EFI/Linux/6a98-6.12.1_2+1-2.efi", "/EFI/Linux/6a98-6.12.1_2+0-3.efi");
  check("/a+1.efi", "/a+0-1.efi");
  check("/loader/entries/arch+0-3.conf", std::nullopt);
  check("/loader/entries/arch.conf", std::nullopt);
}

TEST(BootCount, WhatMayReachAShell) {
  EXPECT_TRUE(is_countable("/loader/entries/A-z_0.9+3-1.conf"));
  for (const char* path : {"",
                           "/",
                           "a+1.conf",
                           "/a+1.conf/",
                           "/a//b+1.conf",
                           "/../a+1.conf",
                           "/./a+1.conf",
                           "/.a/b+1.conf",
                           "/-f/b+1.conf",
                           "/-b+1.conf",
                           "/a b+1.conf",
                           "/a'+1.conf",
                           "/a$x+1.conf",
                           "/a%i+1.conf",
                           "/a\\+1.conf",
                           "/a\n+1.conf",
                           "/\xC3\xB6+1.conf",
                           "/a;b+1.conf",
                           "/a.conf",
                           "/a+1/b.conf"}) {
    EXPECT_FALSE(is_countable(path)) << path;
    EXPECT_EQ(next_boot_path(path), std::nullopt) << path;
    EXPECT_THAT(bless_unit({1, path}, "/dev/loop0p1"), Fails(Code::Invalid, "boot counter")) << path;
  }
}

TEST(BootCount, TheUnitTakesTheCounterOff) {
  const auto unit = bless_unit({1, "/loader/entries/arch+2-1.conf"}, "/dev/loop0p1");
  ASSERT_TRUE(unit) << unit.error().text;
  EXPECT_THAT(*unit, HasSubstr("\nRequires=boot-complete.target\n"));
  EXPECT_THAT(*unit, HasSubstr("mount -t vfat -o nosuid,nodev,noexec /dev/loop0p1 /run/vhdboot/boot;"));
  EXPECT_THAT(*unit, HasSubstr("mv -n /run/vhdboot/boot/loader/entries/arch+2-1.conf "
                               "/run/vhdboot/boot/loader/entries/arch.conf;"));
  EXPECT_THAT(*bless_unit({2, "/EFI/Linux/a+b+0-3.EFI"}, "/dev/loop0p2"),
              HasSubstr(" /run/vhdboot/boot/EFI/Linux/a+b.EFI;"));
}

}  // namespace
}  // namespace vhdboot::entry
