// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/extlinux.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::entry {
namespace {

using test::Fails;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

BootMenu parse(std::string_view text, std::string_view folder = "/boot/extlinux") {
  const auto menu = parse_extlinux(text, folder);
  EXPECT_TRUE(menu) << menu.error().text;
  return menu.value_or(BootMenu());
}

TEST(Extlinux, AsUBootsPackageWritesIt) {
  const BootMenu menu = parse(
      "## a comment\n\ndefault l0\nmenu title U-Boot menu\nprompt 0\ntimeout 50\n\n\n"
      "label l0\n\tmenu label Debian GNU/Linux 12 6.1.0\n\tlinux /boot/vmlinuz-6.1.0\n"
      "\tinitrd /boot/initrd.img-6.1.0\n\n\tappend root=UUID=1 ro quiet\n\n"
      "label l0r\n\tmenu label Debian (rescue target)\n\tlinux /boot/vmlinuz-6.1.0\n\tappend root=UUID=1 ro single\n");
  ASSERT_EQ(menu.entries.size(), 2U);
  const MenuEntry& entry = menu.entries[0];
  EXPECT_EQ(entry.id, "l0");
  EXPECT_EQ(entry.title, "Debian GNU/Linux 12 6.1.0");
  EXPECT_EQ(entry.kernel, "/boot/vmlinuz-6.1.0");
  EXPECT_EQ(entry.arguments, "root=UUID=1 ro quiet");
  EXPECT_THAT(entry.initrds, ElementsAre("/boot/initrd.img-6.1.0"));
  EXPECT_EQ(default_entry(menu)->id, "l0");
  EXPECT_TRUE(is_recovery(menu.entries[1]));
}

TEST(Extlinux, PathsBeginInItsFolder) {
  const auto kernel = [](std::string_view path, std::string_view folder) {
    return parse(concat("label a\nlinux ", path, "\n"), folder).entries[0].kernel;
  };
  EXPECT_EQ(kernel("vmlinuz", "/boot"), "/boot/vmlinuz");
  EXPECT_EQ(kernel("../vmlinuz", "/boot/extlinux"), "/boot/vmlinuz");
  EXPECT_EQ(kernel("/vmlinuz", "/boot"), "/vmlinuz");
  EXPECT_EQ(kernel("./a//b", ""), "/a/b");
  EXPECT_EQ(kernel("../../../x", "/boot"), "/x");
}

TEST(Extlinux, TheDefault) {
  const auto chosen = [](std::string_view text) {
    const BootMenu menu = parse(text);
    const MenuEntry* entry = default_entry(menu);
    return entry == nullptr ? std::string("none") : entry->id;
  };
  constexpr std::string_view kLabels = "LABEL 1\nKERNEL a\nLABEL 0\nKERNEL b\n";
  EXPECT_EQ(chosen(kLabels), "1");
  EXPECT_EQ(chosen(concat("DEFAULT 0\n", kLabels)), "0");
  EXPECT_EQ(chosen(concat("default vesamenu.c32\n", kLabels, "menu default\n")), "0");
  EXPECT_EQ(chosen("label m\nkernel memtest.bin\nlabel c\nkernel chain.c32\nappend hd0\n"), "none");
  EXPECT_EQ(chosen("label m\nkernel memtest.bin\nlabel x\nkernel vmlinuz\n"), "x");
  EXPECT_EQ(chosen(""), "none");
  // A word that is no label; only one that is, may have more behind it.
  EXPECT_EQ(chosen(concat("DEFAULT gone\n", kLabels)), "1");
  EXPECT_EQ(chosen("default Debian 12\nlabel a\nkernel a\nlabel Debian 11\nkernel b\n"), "Debian");
  EXPECT_EQ(chosen("default Debian 11\nlabel a\nkernel a\nlabel Debian 11\nkernel b\n"), "Debian 11");
}

// syslinux's com32/elflink/ldlinux: what is typed for nobody.
TEST(Extlinux, WhatStartsByItself) {
  const auto started = [](std::string_view text) {
    const BootMenu menu = parse(concat(text, "label a\nkernel a\nappend A\nlabel b\nkernel b\nappend B initrd=x\n"));
    const MenuEntry* entry = started_entry(menu);
    return concat(entry->kernel, ' ', entry->arguments);
  };
  EXPECT_EQ(started("default b\ntimeout 50\nontimeout a\n"), "/boot/extlinux/b B initrd=x") << "at once";
  EXPECT_EQ(started("default b\nprompt 1\ntimeout 50\nontimeout a\n"), "/boot/extlinux/a A");
  EXPECT_EQ(started("default b\nprompt 1\ntotaltimeout 50\nontimeout a\n"), "/boot/extlinux/a A");
  EXPECT_EQ(started("default b\nprompt 1\ntimeout 0\nontimeout a\n"), "/boot/extlinux/b B initrd=x") << "Return";
  EXPECT_EQ(started("ui vesamenu.c32\ndefault a\ntimeout 50\nontimeout b more\n"), "/boot/extlinux/b B initrd=x more");
  EXPECT_EQ(started("default menu.c32\ntimeout 50\nontimeout /k root=1\n"), "/k root=1");
  EXPECT_EQ(started("default menu.c32\ntimeout 50\nontimeout chain.c32 hd1\n"), " ");
  EXPECT_EQ(started("default b more\n"), "/boot/extlinux/b B initrd=x more");
  EXPECT_EQ(started("append common\ndefault /vmlinuz root=1 ro\n"), "/vmlinuz common root=1 ro");
  EXPECT_EQ(started("default chain.c32 hd1\n"), " ");
  EXPECT_EQ(started("ui menu.c32\ndefault /vmlinuz\n"), "/boot/extlinux/a A");
}

TEST(Extlinux, ACommandLineWithoutLabels) {
  const BootMenu menu = parse("DEFAULT vmlinuz root=UUID=1 initrd=a.img initrd=b.img,/c.img\n", "/syslinux");
  ASSERT_EQ(menu.entries.size(), 1U);
  EXPECT_EQ(default_entry(menu)->kernel, "/syslinux/vmlinuz");
  EXPECT_EQ(default_entry(menu)->title, "vmlinuz");
  EXPECT_EQ(default_entry(menu)->arguments, "root=UUID=1 initrd=a.img initrd=b.img,/c.img");
  EXPECT_THAT(default_entry(menu)->initrds, ElementsAre("/syslinux/b.img", "/c.img")) << "the last one counts";
}

TEST(Extlinux, DefaultsOfMenusWithinTheMenu) {
  const BootMenu menu = parse(
      "ui menu.c32\nlabel a\nkernel a\nmenu begin more\nmenu default\nlabel b\nkernel b\nmenu default\nmenu end\n"
      "label c\nkernel c\n");
  EXPECT_EQ(default_entry(menu)->id, "a");
}

TEST(Extlinux, HelpIsNotRead) {
  const BootMenu menu = parse("label a\nTEXT HELP\nBoot this.\nkernel x\nLabel y\nENDTEXT\nkernel a\n");
  ASSERT_EQ(menu.entries.size(), 1U);
  EXPECT_EQ(menu.entries[0].kernel, "/boot/extlinux/a");
}

TEST(Extlinux, WhatIsNoLinux) {
  for (const char* line : {"com32 chain.c32", "kernel chain.c32", "localboot 0x80", "kernel a.bss", "linux memdisk",
                           "kernel /tools/memdisk", "config /other.cfg", "kernel k\ncom32 chain.c32"})
    EXPECT_EQ(parse(concat("label a\n", line, "\nappend x\n")).entries[0].kernel, "") << line;
}

TEST(Extlinux, OptionsBehindTheKernel) {
  const BootMenu menu = parse("append all\nlabel a\nkernel k one two\nappend three\nlabel b\nkernel k four\n");
  EXPECT_EQ(menu.entries[0].arguments, "one two three");
  EXPECT_EQ(menu.entries[1].arguments, "four all");
}

TEST(Extlinux, WhatStandsBeforeTheLabels) {
  const BootMenu menu = parse(
      "APPEND common\nkernel lost\nlabel a\nkernel k\nlabel b\nkernel k\nappend own\nlabel c\nkernel k\nappend -\n");
  EXPECT_EQ(menu.entries[0].arguments, "common");
  EXPECT_EQ(menu.entries[1].arguments, "own");
  EXPECT_EQ(menu.entries[2].arguments, "");
}

TEST(Extlinux, Initrds) {
  const auto initrds = [](std::string_view lines) {
    return parse(concat("label a\nkernel k\n", lines)).entries[0].initrds;
  };
  EXPECT_THAT(initrds("initrd /ucode, /i\n"), ElementsAre("/ucode", "/i"));
  EXPECT_THAT(initrds("append initrd=i.img,j.img root=x\n"),
              ElementsAre("/boot/extlinux/i.img", "/boot/extlinux/j.img"));
  EXPECT_THAT(initrds("initrd /i\nappend initrd=/j\n"), ElementsAre("/i"));
  EXPECT_THAT(initrds(""), IsEmpty());
}

TEST(Extlinux, Caps) {
  EXPECT_THAT(parse_extlinux(std::string(kMaxExtlinux + 1, '\n'), ""), Fails(Code::Corrupt, "is no extlinux.conf"));
  std::string text;
  for (std::size_t i = 0; i < kMaxExtlinuxEntries; ++i) text += "label a\n";
  EXPECT_TRUE(parse_extlinux(text, ""));
  EXPECT_THAT(parse_extlinux(text + "label b\n", ""), Fails(Code::Corrupt, "more than 1024 entries"));
}

}  // namespace
}  // namespace vhdboot::entry
