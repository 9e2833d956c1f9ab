// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/keymap.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::menu {
namespace {

using test::Fails;

constexpr std::string_view kTwo = R"(# a comment

layout xx
21 z Z none }
51 , ; <
89 ě

layout us
21 y Y
44 z Z
51 , <
)";

std::string product_layouts() {
  std::ifstream file(SOURCE_FOLDER "/fs-skeleton/keymaps");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> names() {
  std::vector<std::string> names;
  const std::string text = product_layouts();
  for (const std::string_view line : split_lines(text))
    if (line.starts_with("layout ")) names.emplace_back(line.substr(7));
  return names;
}

/// By table and key.
std::map<std::pair<unsigned, unsigned>, unsigned> values(std::string_view layouts, std::string_view name) {
  std::map<std::pair<unsigned, unsigned>, unsigned> values;
  const auto bindings = key_bindings(layouts, name);
  EXPECT_TRUE(bindings) << bindings.error().message();
  if (!bindings) return values;
  for (const KeyBinding& binding : *bindings) {
    const bool is_new = values.emplace(std::pair(binding.table, binding.key), binding.value).second;
    EXPECT_TRUE(is_new) << unsigned{binding.table} << ' ' << unsigned{binding.key};
  }
  return values;
}

TEST(KeyBindings, AreThoseOfTheLayoutOverUs) {
  constexpr unsigned kLetter = 0xB00;
  constexpr unsigned kHole = 0x200;
  auto keys = values(kTwo, "xx");
  EXPECT_EQ((keys[{0, 21}]), kLetter | 'z');
  EXPECT_EQ((keys[{1, 21}]), kLetter | 'Z');
  EXPECT_EQ((keys[{2, 21}]), kHole);
  EXPECT_EQ((keys[{3, 21}]), unsigned{'}'});
  EXPECT_EQ((keys[{4, 21}]), 'z' & 0x1FU) << "Ctrl goes with the letter";
  EXPECT_EQ((keys[{0, 44}]), kLetter | 'z') << "from us";
  EXPECT_EQ((keys[{1, 51}]), unsigned{';'});
  EXPECT_EQ((keys[{2, 51}]), unsigned{'<'});
  EXPECT_EQ((keys[{0, 89}]), 0x11BU ^ 0xF000U) << "above Latin-1";

  // Whatever the other one changed is changed back, whichever comes first in the file.
  auto us = values(kTwo, "us");
  EXPECT_EQ((us[{0, 21}]), kLetter | 'y');
  EXPECT_EQ((us[{3, 21}]), kHole);
  EXPECT_EQ((us[{0, 89}]), kHole);
  EXPECT_EQ((us[{4, 21}]), 'y' & 0x1FU);
}

TEST(KeyBindings, WhatIsWrong) {
  EXPECT_THAT(key_bindings(kTwo, "de"), Fails(Code::NotFound, "no keyboard layout \"de\"; there are xx, us"));
  EXPECT_THAT(key_bindings("", "us"), Fails(Code::NotFound, "no keyboard layout"));
  for (const char* line :
       {"x y", "0 a", "128 a", "21", "21 ab", "21 a b c d e", "21 \xFF", "21 \xF0\x9F\x98\x80", "-1 a"})
    EXPECT_THAT(key_bindings(concat("layout us\n", line, '\n'), "us"), Fails(Code::Corrupt, "line 2")) << line;
  EXPECT_THAT(key_bindings(std::string(kMaxKeymapsBytes + 1, '#'), "us"), Fails(Code::Corrupt, "too large"));
}

// A person must be able to type a kernel option, a path and a command of the shell.
TEST(KeyBindings, EachLayoutOfTheProductHasAllOfAscii) {
  const std::string layouts = product_layouts();
  ASSERT_GE(names().size(), 40U);
  for (const std::string& name : names()) {
    std::set<unsigned> given;
    for (const auto& [key, value] : values(layouts, name))
      if (key.first != 4) given.insert(value & 0xF0FFU);
    std::string missing;
    for (unsigned char c = '!'; c <= '~'; ++c)
      if (!given.contains(c)) missing += static_cast<char>(c);
    EXPECT_EQ(missing, "") << name;
  }
}

TEST(KeyBindings, OfTheProduct) {
  const std::string layouts = product_layouts();
  auto de = values(layouts, "de");
  EXPECT_EQ((de[{0, 21}]), 0xB00U | 'z');
  EXPECT_EQ((de[{0, 44}]), 0xB00U | 'y');
  EXPECT_EQ((de[{1, 8}]), unsigned{'/'});
  EXPECT_EQ((de[{1, 11}]), unsigned{'='});
  EXPECT_EQ((de[{2, 12}]), unsigned{'\\'});
  EXPECT_EQ((de[{0, 53}]), unsigned{'-'});
  auto fr = values(layouts, "fr");
  EXPECT_EQ((fr[{0, 16}]), 0xB00U | 'a');
  EXPECT_EQ((fr[{1, 2}]), unsigned{'1'});
  EXPECT_EQ((fr[{0, 13}]), unsigned{'='});
}

TEST(LayoutCalled, ByXAndByTheConsole) {
  const std::string layouts = product_layouts();
  const auto called = [&](std::string_view name) { return layout_called(layouts, name); };
  for (const std::string& name : names()) EXPECT_EQ(called(name), name);
  const std::pair<const char*, const char*> kNames[] = {{"de-latin1-nodeadkeys", "de"},
                                                        {"de_CH-latin1", "ch"},
                                                        {"fr_CH-latin1", "ch-fr"},
                                                        {"ch(fr)", "ch-fr"},
                                                        {"uk", "gb"},
                                                        {"sv-latin1", "se"},
                                                        {"la-latin1", "latam"},
                                                        {"latam", "latam"},
                                                        {"br-abnt2", "br"},
                                                        {"hu101", "hu"},
                                                        {"pl2", "pl"},
                                                        {"trq", "tr"},
                                                        {"cz-lat2", "cz"},
                                                        {"us,ru", "us"},
                                                        {"us(intl)", "us-intl"},
                                                        {"DE", "de"},
                                                        {" de ", "de"},
                                                        {"es-cp850", "es"},
                                                        {"jp106", "jp"},
                                                        {"dvorak", "us-dvorak"}};
  for (const auto& [name, layout] : kNames) EXPECT_EQ(called(name), layout) << name;
  for (const char* name : {"", "ru", "gr", ",", "-", "klingon", "123", "d"}) EXPECT_EQ(called(name), "") << name;
}

}  // namespace
}  // namespace vhdboot::menu
