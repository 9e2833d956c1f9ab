// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/json_reader.h"

#include "tests/unit/base/error_matchers.h"
#include "tools/common/similar_names.h"

namespace vhdboot::tools {
namespace {

using test::Fails;

TEST(JsonReader, KnowsThePlaceOfEachValue) {
  constexpr std::string_view kText = " { \"a\" : [ 1, \"x\\u00e9\\n\", { } ], \"b\": true } \n";
  const auto value = parse_json(kText);
  ASSERT_TRUE(value) << value.error().text;
  const JsonValue* list = value->find("a");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(kText.substr(list->begin, list->end - list->begin), "[ 1, \"x\\u00e9\\n\", { } ]");
  EXPECT_NE(list->find_text("x\u00e9\n"), nullptr);
  EXPECT_EQ(list->find_text("x"), nullptr);
  EXPECT_EQ(value->find("c"), nullptr);
}

TEST(JsonReader, ItemsComeAndGo) {
  const auto edit = [](std::string_view text, std::string_view item) {
    return with_item(text, parse_json(text).value(), item);
  };
  EXPECT_EQ(edit("[]", "1"), "[ 1 ]");
  EXPECT_EQ(edit("[ 1\n]", "2"), "[ 1, 2\n]");
  EXPECT_EQ(edit("{ \"a\": 1 }", "\"b\": 2"), "{ \"a\": 1, \"b\": 2 }");
  const auto without = [](std::string_view text, std::size_t index) {
    return without_item(text, parse_json(text).value(), index);
  };
  EXPECT_EQ(without("[ 1, 2, 3 ]", 0), "[ 2, 3 ]");
  EXPECT_EQ(without("[ 1, 2, 3 ]", 1), "[ 1, 3 ]");
  EXPECT_EQ(without("[ 1, 2, 3 ]", 2), "[ 1, 2 ]");
  EXPECT_EQ(without("{ \"a\": 1 }", 0), "{  }");
}

TEST(JsonReader, Refuses) {
  for (const char* text : {"", "{", "[1,]", "[1 2]", "{\"a\" 1}", "{a: 1}", "\"x", "\"\\x\"", "nul", "[] x",
                           "\"\\u12\"", "// x\n{}", "{\"a\": }"})
    EXPECT_THAT(parse_json(text), Fails(Code::Corrupt, "line ")) << text;
  EXPECT_THAT(parse_json("[\n1\n"), Fails(Code::Corrupt, "line 3"));
  EXPECT_THAT(parse_json(std::string(100, '[')), Fails(Code::NoMemory, "too deeply"));
  EXPECT_THAT(parse_json(std::string(kMaxJson + 1, ' ')), Fails(Code::NoMemory, "bytes"));
}

TEST(SimilarNames, ForASlipOfTheFinger) {
  constexpr std::string_view kNames[]{"list", "status", "set"};
  EXPECT_EQ(similar_names("lits", kNames), "list");
  EXPECT_EQ(similar_names("s", kNames), "status, set");
  EXPECT_EQ(similar_names("completely", kNames), "");
}

}  // namespace
}  // namespace vhdboot::tools
