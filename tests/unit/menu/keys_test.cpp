// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/keys.h"

#include "tests/unit/menu/menus.h"

namespace vhdboot::menu {
namespace {

using test::ctrl;
using test::key;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Key::Kind;

std::vector<Key> decoded(std::string_view bytes) {
  KeyDecoder decoder;
  std::vector<Key> keys;
  for (const char byte : bytes)
    if (const auto one = decoder.feed(byte)) keys.push_back(*one);
  if (const auto one = decoder.pause()) keys.push_back(*one);
  return keys;
}

TEST(Keys, Characters) {
  EXPECT_THAT(decoded("aZ 0~"), ElementsAre(key(U'a'), key(U'Z'), key(U' '), key(U'0'), key(U'~')));
  EXPECT_THAT(decoded("ä€𝄞"), ElementsAre(key(U'ä'), key(U'€'), key(U'𝄞')));
}

TEST(Keys, MalformedCharactersAreSwallowedAlone) {
  EXPECT_THAT(decoded("\xFF\x80\xC3x"), ElementsAre(key(U'x')));
  EXPECT_THAT(decoded("\xC3\xC3\xA4"), ElementsAre(key(U'ä')));
  EXPECT_THAT(decoded("\xE0\x80\x80x"), ElementsAre(key(U'x'))) << "too long a form";
  EXPECT_THAT(decoded("\xC2\x9Bx"), ElementsAre(key(U'x'))) << "a control character of eight bits";
  EXPECT_THAT(decoded("\xE2\x82\x1B[A"), ElementsAre(key(Kind::Up)));
}

TEST(Keys, ControlCharacters) {
  EXPECT_THAT(decoded("\x01\x05\x0B\x15\x17"), ElementsAre(ctrl(U'a'), ctrl(U'e'), ctrl(U'k'), ctrl(U'u'), ctrl(U'w')));
  EXPECT_THAT(decoded("\x7F\b\t"), ElementsAre(key(Kind::Backspace), key(Kind::Backspace), key(Kind::Tab)));
  EXPECT_THAT(decoded(std::string_view("\0\x1C\x1F", 3)), IsEmpty());
}

TEST(Keys, EnterIsOneKeyHoweverItIsSent) {
  EXPECT_THAT(decoded("\r"), ElementsAre(key(Kind::Enter)));
  EXPECT_THAT(decoded("\n"), ElementsAre(key(Kind::Enter)));
  EXPECT_THAT(decoded("\r\n"), ElementsAre(key(Kind::Enter)));
  EXPECT_THAT(decoded("\r\r\n\n"), ElementsAre(key(Kind::Enter), key(Kind::Enter), key(Kind::Enter)));
  EXPECT_THAT(decoded("\033OM"), ElementsAre(key(Kind::Enter)));
}

TEST(Keys, SequencesOfTheUsualTerminals) {
  for (const char* before : {"\033[", "\033O", "\033[1;2"}) {
    const auto of = [&](char last) { return decoded(std::string(before) + last); };
    EXPECT_THAT(of('A'), ElementsAre(key(Kind::Up)));
    EXPECT_THAT(of('B'), ElementsAre(key(Kind::Down)));
    EXPECT_THAT(of('C'), ElementsAre(key(Kind::Right)));
    EXPECT_THAT(of('D'), ElementsAre(key(Kind::Left)));
    EXPECT_THAT(of('H'), ElementsAre(key(Kind::Home)));
    EXPECT_THAT(of('F'), ElementsAre(key(Kind::End)));
  }
  EXPECT_THAT(decoded("\033[1~\033[7~"), ElementsAre(key(Kind::Home), key(Kind::Home)));
  EXPECT_THAT(decoded("\033[4~\033[8~"), ElementsAre(key(Kind::End), key(Kind::End)));
  EXPECT_THAT(decoded("\033[3~\033[5~\033[6~"), ElementsAre(key(Kind::Delete), key(Kind::PageUp), key(Kind::PageDown)));
}

TEST(Keys, ByWords) {
  for (const char* left : {"\033[1;5D", "\033[5D", "\033O5D", "\033b"})
    EXPECT_THAT(decoded(left), ElementsAre(key(Kind::WordLeft))) << left;
  for (const char* right : {"\033[1;5C", "\033[5C", "\033O5C", "\033f"})
    EXPECT_THAT(decoded(right), ElementsAre(key(Kind::WordRight))) << right;
}

TEST(Keys, UnknownSequencesAreSwallowedWhole) {
  for (const char* sequence : {"\033[15~", "\033[[A", "\033[?1;2c", "\033OP", "\033x", "\033\r", "\033[200~", "\033[Z",
                               "\033[ q", "\033[1;2;3R", "\033[99999;1R", "\033[0;0R"})
    EXPECT_THAT(decoded(std::string(sequence) + "y"), ElementsAre(key(U'y'))) << sequence + 1;
  EXPECT_THAT(decoded("\033[" + std::string(1000, '1') + "Ay"), ElementsAre(key(U'y')));
}

TEST(Keys, ASequenceThatIsCutOffTakesNothingWithIt) {
  EXPECT_THAT(decoded("\033[1\r"), ElementsAre(key(Kind::Enter)));
  EXPECT_THAT(decoded("\033[1\033[B"), ElementsAre(key(Kind::Down)));
}

TEST(Keys, EscIsDecidedByAPause) {
  KeyDecoder decoder;
  EXPECT_EQ(decoder.pause(), std::nullopt);
  EXPECT_EQ(decoder.feed('\033'), std::nullopt);
  EXPECT_TRUE(decoder.after_escape());
  EXPECT_EQ(decoder.pause(), key(Kind::Esc));
  EXPECT_FALSE(decoder.after_escape());
  EXPECT_EQ(decoder.feed('['), key(U'['));

  EXPECT_EQ(decoder.feed('\033'), std::nullopt);
  EXPECT_EQ(decoder.feed('\033'), key(Kind::Esc));
  EXPECT_TRUE(decoder.after_escape());
}

TEST(Keys, ASlowLineMayPauseWithinASequence) {
  KeyDecoder decoder;
  for (const char byte : std::string_view("\033[")) EXPECT_EQ(decoder.feed(byte), std::nullopt);
  EXPECT_FALSE(decoder.after_escape());
  EXPECT_EQ(decoder.pause(), std::nullopt);
  EXPECT_EQ(decoder.feed('A'), key(Kind::Up));
}

TEST(Keys, TheAnswerToWhereTheCursorIs) {
  EXPECT_THAT(decoded("a\033[24;80Rb"),
              ElementsAre(key(U'a'), Key{.kind = Kind::CursorReport, .row = 24, .column = 80}, key(U'b')));
}

}  // namespace
}  // namespace vhdboot::menu
