// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/loader_conf.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace vhdboot::entry {
namespace {

TEST(LoaderConf, Default) {
  const auto usual = [](std::string_view text) { return parse_loader_conf(text).usual; };
  EXPECT_EQ(usual("default Arch*\n"), "arch*");
  EXPECT_EQ(usual("timeout 3\r\n \tdefault \t a.conf \r\ndefault b\n"), "b");
  EXPECT_EQ(usual("# default a\n"), "");
  EXPECT_EQ(usual("default\n"), "");
  EXPECT_EQ(usual("default @saved\n"), "");
  EXPECT_EQ(usual("defaults a\n"), "");
  EXPECT_EQ(usual(""), "");
  EXPECT_EQ(usual(concat("default ", std::string(255, 'a'), "\n")).size(), 255U);
  EXPECT_EQ(usual(concat("default ", std::string(256, 'a'), "\n")), "");
  EXPECT_EQ(parse_loader_conf("preferred a\ndefault b\n").preferred, "a");
}

TEST(LoaderConf, TheEntryThatIsMeant) {
  std::vector<BootEntry> entries(3);
  entries[0].id = "Debian-2.conf";
  entries[0].count = BootCount{.left = 0, .done = 3};
  entries[1].id = "debian-1.conf";
  entries[2].id = "other.efi";
  const auto meant = [&](const LoaderConf& conf) { return default_of(conf, entries); };
  EXPECT_EQ(meant({.preferred = "", .usual = "debian-*"}), 0U);
  EXPECT_EQ(meant({.preferred = "debian-*", .usual = "other"}), 1U);
  EXPECT_EQ(meant({.preferred = "debian-2", .usual = "other"}), 2U);
  EXPECT_EQ(meant({.preferred = "", .usual = "other.efi"}), 2U);
  EXPECT_EQ(meant({.preferred = "x", .usual = "y"}), 3U);
  EXPECT_EQ(meant({}), 3U);
}

}  // namespace
}  // namespace vhdboot::entry
