// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/glob.h"

#include <fnmatch.h>
#include <gmock/gmock.h>

#include <random>
#include <string>

namespace vhdboot {
namespace {

TEST(Glob, ModuleAliases) {
  EXPECT_TRUE(
      glob_matches("pci:v00008086d*sv*sd*bc01sc06i01*", "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01"));
  EXPECT_FALSE(
      glob_matches("pci:v00008086d*sv*sd*bc01sc06i01*", "pci:v00008086d00002922sv00001AF4sd00001100bc01sc08i01"));
  EXPECT_TRUE(
      glob_matches("usb:v*p*d*dc*dsc*dp*ic08isc06ip50in*", "usb:v46F4p0001d0000dc00dsc00dp00ic08isc06ip50in00"));
  EXPECT_TRUE(glob_matches("cpu:type:x86,ven0000fam0006mod008[5-9]:feature:*",
                           "cpu:type:x86,ven0000fam0006mod0087:feature:,0000"));
  EXPECT_TRUE(glob_matches("acpi*:PNP0C0A:*", "acpi:PNP0C0A:"));
  EXPECT_TRUE(glob_matches("dmi*:svn*Dell*:pn*", "dmi:bvnX:svnDellInc.:pnXPS:"));
  EXPECT_FALSE(glob_matches("", "x"));
  EXPECT_TRUE(glob_matches("", ""));
  EXPECT_TRUE(glob_matches("*", ""));
  EXPECT_TRUE(glob_matches("**", "x"));
  EXPECT_FALSE(glob_matches("*x", "y"));
  EXPECT_FALSE(glob_matches("?", ""));
}

TEST(Glob, DashAndUnderscoreAreTheSameForKmod) {
  EXPECT_TRUE(glob_matches("fs-ext4", "fs_ext4", Dashes::AsUnderscores));
  EXPECT_TRUE(glob_matches("net_pf-*", "net-pf-10", Dashes::AsUnderscores));
  EXPECT_TRUE(glob_matches("a[-]b", "a-b", Dashes::AsUnderscores));
  EXPECT_FALSE(glob_matches("a[-]b", "a_b", Dashes::AsUnderscores)) << "not within brackets";
  EXPECT_FALSE(glob_matches("fs-ext4", "fs_ext4")) << "only where that is asked for";
}

TEST(Glob, Brackets) {
  EXPECT_TRUE(glob_matches("[]a]", "]"));
  EXPECT_TRUE(glob_matches("[!]a]", "b"));
  EXPECT_FALSE(glob_matches("[!]a]", "a"));
  EXPECT_TRUE(glob_matches("[a-]", "-"));
  EXPECT_TRUE(glob_matches("[\\]]", "]"));
  EXPECT_FALSE(glob_matches("[z-a]", "m"));
  EXPECT_TRUE(glob_matches("[x", "[x")) << "never closed: an ordinary character";
  EXPECT_TRUE(glob_matches("\\*", "*"));
  EXPECT_FALSE(glob_matches("\\*", "x"));
  EXPECT_TRUE(glob_matches("a\\", "a\\"));
}

// The C library is the oracle, on random patterns of a small alphabet.
TEST(Glob, AsFnmatch) {
  std::mt19937 random(1);
  const auto pick = [&](std::string_view alphabet, std::size_t most) {
    std::string text(random() % (most + 1), ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    return text;
  };
  std::size_t matched = 0;
  for (int i = 0; i < 200'000; ++i) {
    const auto text = pick("abc-_", 8);
    std::string pattern;
    for (int part = static_cast<int>(random() % 5); part >= 0; --part) {
      switch (random() % 5) {
        case 0:
          pattern += '*';
          break;
        case 1:
          pattern += '?';
          break;
        case 2:
          pattern += "[" + std::string(random() % 2, '!') + pick("abc", 1) + "a-b" + pick("abc", 2) + "]";
          break;
        case 3:
          pattern += "\\" + std::string(1, "abc*"[random() % 4]);
          break;
        default:
          pattern += pick("abc-_", 2);
      }
    }
    const bool expected = fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
    ASSERT_EQ(glob_matches(pattern, text), expected) << pattern << ' ' << text;
    matched += expected ? 1 : 0;
  }
  EXPECT_GT(matched, 10'000u) << "else nothing was shown";
}

TEST(Glob, ManyStarsStayFast) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_FALSE(glob_matches(pattern + "b", std::string(2000, 'a')));
}

}  // namespace
}  // namespace vhdboot
