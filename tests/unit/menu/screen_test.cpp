// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/screen.h"

namespace vhdboot::menu {
namespace {

using testing::ElementsAre;

TEST(Font, TheLargestThatLeavesRoom) {
  EXPECT_STREQ(font_for(1024, 768), "VGA8x16");
  EXPECT_STREQ(font_for(1280, 800), "SUN12x22");
  EXPECT_STREQ(font_for(1366, 768), "SUN12x22");
  EXPECT_STREQ(font_for(1920, 1080), "TER16x32");
  EXPECT_STREQ(font_for(3840, 2160), "TER16x32");
  EXPECT_STREQ(font_for(0, 0), "VGA8x16");
}

TEST(Shown, AsTheTerminalCan) {
  constexpr std::string_view kText = "Büro 会\u00AD\u0301 \tx\n\033[2J\xFF";
  EXPECT_EQ(shown(kText, Capability::Vt), "B?ro ???  x??[2J?");
  EXPECT_EQ(shown(kText, Capability::Linux), "Büro ???  x??[2J?");
  EXPECT_EQ(shown(kText, Capability::Plain), "Büro 会\u00AD\u0301  x??[2J?");
}

TEST(Cut, SaysThatItIs) {
  EXPECT_EQ(cut("abc", 3), "abc");
  EXPECT_EQ(cut("abcd", 3), "ab>");
  EXPECT_EQ(cut("äöüß", 3), "äö>");
  EXPECT_EQ(cut("ab", 1), ">");
  EXPECT_EQ(cut("ab", 0), "");
}

TEST(Wrap, BetweenWords) {
  EXPECT_THAT(wrap("", 10), ElementsAre(""));
  EXPECT_THAT(wrap("one two", 10), ElementsAre("one two"));
  EXPECT_THAT(wrap("one two three", 10), ElementsAre("one two", "  three"));
  EXPECT_THAT(wrap("  one two three", 12), ElementsAre("  one two", "    three"));
  EXPECT_THAT(wrap("äöü äöü", 7), ElementsAre("äöü äöü"));
}

TEST(Wrap, ALongWordIsBrokenInside) {
  EXPECT_THAT(wrap("abcdefghijklmn", 6), ElementsAre("abcdef", "  ghij", "  klmn"));
  EXPECT_THAT(wrap("a bcdefghij", 6), ElementsAre("a", "  bcde", "  fghi", "  j"));
  EXPECT_THAT(wrap("abc", 1), ElementsAre("a", "b", "c"));
  EXPECT_THAT(wrap("ab", 0), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace vhdboot::menu
