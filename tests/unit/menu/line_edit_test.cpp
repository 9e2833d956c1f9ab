// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/line_edit.h"

#include <random>

#include "init/menu/screen.h"
#include "tests/unit/menu/menus.h"

namespace vhdboot::menu {
namespace {

using test::ctrl;
using test::key;
using Kind = Key::Kind;

// A line with the cursor at '|'.
LineEdit at(std::string text) {
  const std::size_t cursor = text.find('|');
  text.erase(cursor, 1);
  return {text, cursor};
}

std::string after(std::string text, const std::vector<Key>& keys) {
  LineEdit line = at(std::move(text));
  for (const Key& one : keys) line = edit(std::move(line), one);
  line.text.insert(line.cursor, "|");
  return line.text;
}

TEST(LineEdit, StartsAtItsEnd) {
  EXPECT_EQ(line_of("quiet"), at("quiet|"));
}

TEST(LineEdit, Characters) {
  EXPECT_EQ(after("|", test::typed("ro")), "ro|");
  EXPECT_EQ(after("a|b", {key(U'ü'), key(U'€'), key(U'𝄞')}), "aü€𝄞|b");
}

TEST(LineEdit, Moves) {
  EXPECT_EQ(after("aü|b", {key(Kind::Left)}), "a|üb");
  EXPECT_EQ(after("|ab", {key(Kind::Left)}), "|ab");
  EXPECT_EQ(after("a|𝄞b", {key(Kind::Right)}), "a𝄞|b");
  EXPECT_EQ(after("ab|", {key(Kind::Right)}), "ab|");
  for (const Key& home : {key(Kind::Home), ctrl(U'a')}) EXPECT_EQ(after("ab|c", {home}), "|abc");
  for (const Key& end : {key(Kind::End), ctrl(U'e')}) EXPECT_EQ(after("a|bc", {end}), "abc|");
}

TEST(LineEdit, MovesByWords) {
  EXPECT_EQ(after("quiet  splash|", {key(Kind::WordLeft)}), "quiet  |splash");
  EXPECT_EQ(after("quiet  |splash", {key(Kind::WordLeft)}), "|quiet  splash");
  EXPECT_EQ(after("|quiet", {key(Kind::WordLeft)}), "|quiet");
  EXPECT_EQ(after("|quiet  splash", {key(Kind::WordRight)}), "quiet|  splash");
  EXPECT_EQ(after("quiet|  splash", {key(Kind::WordRight)}), "quiet  splash|");
  EXPECT_EQ(after("quiet|", {key(Kind::WordRight)}), "quiet|");
}

TEST(LineEdit, Erases) {
  EXPECT_EQ(after("aü|b", {key(Kind::Backspace)}), "a|b");
  EXPECT_EQ(after("|ab", {key(Kind::Backspace)}), "|ab");
  EXPECT_EQ(after("a|üb", {key(Kind::Delete)}), "a|b");
  EXPECT_EQ(after("ab|", {key(Kind::Delete)}), "ab|");
  EXPECT_EQ(after("ab|cd", {ctrl(U'u')}), "|cd");
  EXPECT_EQ(after("ab|cd", {ctrl(U'k')}), "ab|");
  EXPECT_EQ(after("ro quiet  |x", {ctrl(U'w')}), "ro |x");
  EXPECT_EQ(after("|x", {ctrl(U'w')}), "|x");
}

TEST(LineEdit, OtherKeysChangeNothing) {
  for (const Key& other : {key(Kind::Up), key(Kind::Tab), key(Kind::Enter), key(Kind::Esc), ctrl(U'c')})
    EXPECT_EQ(after("a|b", {other}), "a|b");
}

TEST(LineEdit, HasACap) {
  LineEdit line = line_of(std::string(kMaxLineBytes - 1, 'x'));
  EXPECT_EQ(edit(line, key(U'ü')), line) << "it would be one byte too long";
  line = edit(line, key(U'u'));
  EXPECT_EQ(line.text.size(), kMaxLineBytes);
  EXPECT_EQ(edit(line, key(U'u')), line);
}

TEST(LineEdit, BytesThatAreNoTextStayWhatTheyAre) {
  EXPECT_EQ(after("\xFF\xC3|", {key(Kind::Left), key(U'x')}), "\xFFx|\xC3");
  EXPECT_EQ(after("\xFF\xC3|", {key(Kind::Backspace)}), "\xFF|");
}

std::string shown_part(std::string text, std::size_t width) {
  const auto [part, cursor] = window(at(std::move(text)), width);
  return part + " " + std::to_string(cursor);
}

TEST(LineWindow, MarksWhereItIsCut) {
  EXPECT_EQ(shown_part("abcdef|", 10), "abcdef 6");
  EXPECT_EQ(shown_part("abcdefgh|", 10), "abcdefgh 8");
  EXPECT_EQ(shown_part("abcdefghi|", 10), "<ghi 4");
  EXPECT_EQ(shown_part("|abcdefghij", 10), "abcdefghij 0");
  EXPECT_EQ(shown_part("|abcdefghijk", 10), "abcdefghi> 0");
  EXPECT_EQ(shown_part("abcdefgh|ijk", 10), "abcdefghi> 8");
  EXPECT_EQ(shown_part("abcdefghi|jklmnopq", 10), "<ghijklmn> 4");
  EXPECT_EQ(shown_part("abcdefghij|", 10), "<ghij 5");
  EXPECT_EQ(shown_part("äöüäöüäöüä|", 10), "<äöüä 5");
}

TEST(LineWindow, TheCursorIsNeverOnAMark) {
  std::mt19937 random(7);
  for (int i = 0; i < 5000; ++i) {
    LineEdit line;
    const std::size_t length = random() % 60;
    for (std::size_t j = 0; j < length; ++j) line.text += random() % 3 == 0 ? "ü" : "x";
    line.cursor = line.text.size();
    for (std::size_t left = random() % 60; left > 0; --left) line = edit(line, key(Kind::Left));
    const std::size_t width = 4 + random() % 30;
    const auto part = window(line, width);
    ASSERT_LE(width_of(part.text), width);
    ASSERT_LT(part.cursor, width);
    ASSERT_LE(part.cursor, width_of(part.text));
    if (part.text.starts_with('<')) {
      ASSERT_GT(part.cursor, 0u);
    }
    if (part.text.ends_with('>')) {
      ASSERT_LT(part.cursor, width_of(part.text) - 1);
    }
  }
}

}  // namespace
}  // namespace vhdboot::menu
