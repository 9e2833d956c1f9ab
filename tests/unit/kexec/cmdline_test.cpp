// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/cmdline.h"

#include <gmock/gmock.h>

namespace vhdboot::kexec {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CommandLine, KeepsTheSpelling) {
  const auto text = [](std::string_view line) { return CommandLine::parse(line).text(); };
  EXPECT_EQ(text(""), "");
  EXPECT_EQ(text("  \n"), "");
  EXPECT_EQ(text("a  b\tc\n"), "a b c");
  EXPECT_EQ(text("x=\"a  b\" \"y=c  d\""), "x=\"a  b\" \"y=c  d\"");
  EXPECT_EQ(text("open=\"a  b"), "open=\"a  b");
  EXPECT_EQ(text("a -- b  c"), "a -- b  c");
  EXPECT_EQ(text("-- b"), "-- b");
  EXPECT_EQ(text("a --"), "a --");
  EXPECT_EQ(text("a\0b"s), "a");
  EXPECT_EQ(text("label=D\xC3\xA0 x"), "label=D\xC3\xA0 x");
}

TEST(CommandLine, ValuesAsTheKernelReadsThem) {
  const auto value = [](std::string_view line) { return CommandLine::parse(line).find("p"); };
  EXPECT_EQ(value("p=1"), "1");
  EXPECT_EQ(value("p"), std::nullopt);
  EXPECT_EQ(value("p="), "");
  EXPECT_EQ(value("p=a=b"), "a=b");
  EXPECT_EQ(value("p=\"a b\""), "a b");
  EXPECT_EQ(value("\"p=a b\""), "a b");
  EXPECT_EQ(value("p=\"\""), "");
  EXPECT_EQ(value("p=\""), "");
  EXPECT_EQ(value("p=a\" \"b"), "a\" \"b");
  EXPECT_EQ(value("p=1 p=2"), "2");
  EXPECT_EQ(value("q=1 pp=2 xp=3"), std::nullopt);
  EXPECT_EQ(value("p=1 -- p=2"), "1");
  EXPECT_EQ(value("-- p=2"), std::nullopt);
  EXPECT_EQ(value("\"--\" p=2"), std::nullopt);
  EXPECT_EQ(value("--=1 p=2"), "2");
  EXPECT_EQ(value("x=\"-- \" p=2"), "2");
  EXPECT_THAT(CommandLine::parse("console=tty0 a console=\"ttyS0\" -- console=x").find_all("console"),
              ElementsAre("tty0", "ttyS0"));
}

TEST(CommandLine, DashAndUnderscoreAreTheSame) {
  const auto line = CommandLine::parse("dm-mod.create=x some_flag");
  EXPECT_EQ(line.find("dm_mod.create"), "x");
  EXPECT_TRUE(line.has("some-flag"));
  EXPECT_FALSE(line.has("some"));
}

TEST(CommandLine, Remove) {
  auto line = CommandLine::parse("a p=1 b p \"p=x y\" -- p=3");
  EXPECT_EQ(line.remove("p"), 3U);
  EXPECT_EQ(line.text(), "a b -- p=3");
  EXPECT_EQ(line.remove("p"), 0U);
}

TEST(CommandLine, Set) {
  const auto set = [](std::string_view before, std::string_view value) {
    auto line = CommandLine::parse(before);
    const auto result = line.set("p", value);
    return result ? line.text() : result.error().text;
  };
  EXPECT_EQ(set("", "1"), "p=1");
  EXPECT_EQ(set("a", "1"), "a p=1");
  EXPECT_EQ(set("a -- b", "1"), "a p=1 -- b");
  EXPECT_EQ(set("a p=0 b", "1"), "a p=1 b");
  EXPECT_EQ(set("p=0 a p b p=2 c", "1"), "a b p=1 c");
  EXPECT_EQ(set("", ""), "p=");
  EXPECT_EQ(set("", "a b"), "p=\"a b\"");
  EXPECT_THAT(set("a", "x\"y"), HasSubstr("no way to write it"));
  EXPECT_THAT(set("a", "x\ny"), HasSubstr("no way to write it"));
  EXPECT_THAT(set("a", "x\0y"s), HasSubstr("no way to write it"));
  auto line = CommandLine::parse("a");
  for (const auto name : {"", "a b", "a=b", "a\"b", "--", "a\n"}) {
    const auto result = line.set(name, "1");
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, Code::Invalid);
  }
  EXPECT_EQ(line.text(), "a");
}

TEST(CommandLine, SetInFront) {
  auto line = CommandLine::parse("quiet 3");
  ASSERT_TRUE(line.set_in_front("rdinit", "/x"));
  EXPECT_EQ(line.text(), "rdinit=/x quiet 3");
  line = CommandLine::parse("quiet rdinit=/y 3");
  ASSERT_TRUE(line.set_in_front("rdinit", "/x"));
  EXPECT_EQ(line.text(), "quiet rdinit=/x 3");
}

TEST(CommandLine, SetGivesBackWhatWasSet) {
  for (const std::string_view value : {"", "a", "a b", " ", "=", "a=b", "--", "\xC3\xA0", "\\", "'"}) {
    CommandLine line;
    ASSERT_TRUE(line.set("p", value));
    EXPECT_EQ(CommandLine::parse("x " + line.text() + " y").find("p"), value);
  }
}

TEST(CommandLine, Append) {
  const auto append = [](std::string_view before, std::string_view more) {
    auto line = CommandLine::parse(before);
    line.append(more);
    return line.text();
  };
  EXPECT_EQ(append("a", "b  c"), "a b c");
  EXPECT_EQ(append("a -- i", "b"), "a b -- i");
  EXPECT_EQ(append("a", "b -- i"), "a b -- i");
  EXPECT_EQ(append("a -- i", "b -- j"), "a b -- i j");
  EXPECT_EQ(append("a --", "-- j"), "a -- j");
  EXPECT_EQ(append("", ""), "");
}

TEST(CommandLine, ChangesValuesInTheirPlaces) {
  auto line = CommandLine::parse("a=1 \"b c=2\" a-x=1 a_x=\"3 4\" a= a -- a=1");
  const auto change = [](const std::string& value) -> Result<std::optional<std::string>> {
    if (value == "bad") return fail(Code::Invalid, "no");
    return value == "1" ? std::optional(std::string("x y")) : std::nullopt;
  };
  ASSERT_TRUE(line.change_values("a", change));
  EXPECT_EQ(line.text(), "a=\"x y\" \"b c=2\" a-x=1 a_x=\"3 4\" a= a -- a=1");
  ASSERT_TRUE(line.change_values("a_x", change));
  EXPECT_EQ(line.text(), "a=\"x y\" \"b c=2\" a-x=\"x y\" a_x=\"3 4\" a= a -- a=1");
  line = CommandLine::parse("a=bad");
  EXPECT_FALSE(line.change_values("a", change));
  EXPECT_EQ(line.text(), "a=bad");
}

}  // namespace
}  // namespace vhdboot::kexec
