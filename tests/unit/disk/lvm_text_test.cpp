// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/lvm_text.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::disk {
namespace {

using test::Fails;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

LvmSection parse(std::string_view text) {
  const auto parsed = parse_lvm_text(text);
  EXPECT_TRUE(parsed) << parsed.error().text;
  return parsed.value_or(LvmSection());
}

TEST(LvmText, ValuesAndSections) {
  const LvmSection text = parse(
      "# a comment\nid = \"a \\\"b\\\" \\\\\"\tn=5\nquoted='a\\b'\n"
      "devices {\n filter = [ \"a|x|\", 'r|.*|' ] # end\n inner{ x = -1 }\n}\nlist=[]\none = [ 2 ]");
  EXPECT_EQ(text.text("id"), "a \"b\" \\");
  EXPECT_EQ(text.text("quoted"), "a\\b");
  EXPECT_EQ(text.number("n"), 5U);
  ASSERT_NE(text.section("devices"), nullptr);
  EXPECT_THAT(text.section("devices")->value("filter")->items, ElementsAre("a|x|", "r|.*|"));
  EXPECT_EQ(text.section("devices")->section("inner")->text("x"), "-1");
  EXPECT_EQ(text.section("devices")->section("inner")->number("x"), std::nullopt);
  EXPECT_THAT(text.value("list")->items, IsEmpty());
  EXPECT_TRUE(text.value("one")->is_list);
  EXPECT_EQ(text.number("one"), std::nullopt);
  EXPECT_EQ(text.section("none"), nullptr);
  EXPECT_EQ(text.value("none"), nullptr);
}

TEST(LvmText, TheLastOneCounts) {
  const LvmSection text = parse("a = 1\na = 2\ndevices { x = 1 }\ndevices/x = 3\n");
  EXPECT_EQ(text.number("a"), 2U);
  EXPECT_EQ(text.section("devices")->number("x"), 3U);
}

TEST(LvmText, EndsAtAZero) {
  EXPECT_EQ(parse(std::string_view("a = 1\n\0}{", 9)).number("a"), 1U);
  EXPECT_THAT(parse("").values, IsEmpty());
}

TEST(LvmText, WhatIsNone) {
  for (const char* text : {"a", "a = ", "a = }", "a {", "}", "a } b", "= 1", "a = [ 1", "a = [ { ]", "\"a", "a = \"x"})
    EXPECT_THAT(parse_lvm_text(text), Fails(Code::Corrupt, "")) << text;
}

TEST(LvmText, Caps) {
  EXPECT_THAT(parse_lvm_text(std::string(kMaxLvmText + 1, '#')), Fails(Code::Corrupt, "at most"));
  std::string deep;
  for (std::size_t i = 0; i < kMaxLvmDepth; ++i) deep += "a {";
  EXPECT_TRUE(parse_lvm_text(deep + std::string(kMaxLvmDepth, '}')));
  EXPECT_THAT(parse_lvm_text(deep + "a {}" + std::string(kMaxLvmDepth, '}')), Fails(Code::Corrupt, "too deep"));
  std::string items = "a=[";
  for (std::size_t i = 0; i <= kMaxLvmNodes; ++i) items += "1,";
  EXPECT_THAT(parse_lvm_text(items + "]"), Fails(Code::Corrupt, "values"));
  std::string values;
  for (std::size_t i = 0; i <= kMaxLvmNodes; ++i) values += "a=1 ";
  EXPECT_THAT(parse_lvm_text(values), Fails(Code::Corrupt, "values"));
}

}  // namespace
}  // namespace vhdboot::disk
