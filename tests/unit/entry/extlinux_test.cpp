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
