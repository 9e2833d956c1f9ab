// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/beeps.h"

#include "tests/unit/menu/menus.h"

namespace vhdboot::menu {
namespace {

using namespace test;
using namespace std::chrono_literals;
using Kind = Key::Kind;

// Sounds that are made from now on, and when the last one was.
int sounds(Beeps& beeps, Beeps::Time& now) {
  int count = 0;
  while (const auto wait = beeps.wait(now)) {
    now += *wait;
    count += beeps.due(now) ? 1 : 0;
  }
  return count;
}

TEST(Beeps, AsManyAsTheNumberOfTheSelectedLine) {
  Beeps beeps;
  Beeps::Time now;
  State state = menu_of(four_items());
  beeps.look(state, now);
  EXPECT_EQ(sounds(beeps, now), 1);
  beeps.look(state, now);
  EXPECT_EQ(sounds(beeps, now), 0);
  state = press(std::move(state), {key(Kind::End)}).state;
  beeps.look(state, now);
  const auto begin = now;
  EXPECT_EQ(sounds(beeps, now), 4);
  EXPECT_EQ(now - begin, 3 * Beeps::kInterval);
  state = press(std::move(state), {key(U'2')}).state;
  beeps.look(state, now);
  EXPECT_EQ(sounds(beeps, now), 2);
}

TEST(Beeps, OfAnotherLineBeginAnew) {
  Beeps beeps;
  Beeps::Time now;
  State state = press(menu_of(four_items()), {key(Kind::End)}).state;
  beeps.look(state, now);
  EXPECT_TRUE(beeps.due(now));
  EXPECT_FALSE(beeps.due(now + Beeps::kInterval - 1ms));
  state = press(std::move(state), {key(Kind::Home), key(Kind::Down)}).state;
  beeps.look(state, now);
  EXPECT_EQ(sounds(beeps, now), 2);
}

TEST(Beeps, TellOfTheKernelsToo) {
  State state = press(menu_of(four_items()), {key(U'o'), key(Kind::Down), key(Kind::Down)}).state;
  ASSERT_EQ(state.page(), Page::Kernels);
  EXPECT_EQ(selected_number(state), 3U);
  state = press(std::move(state), {key(Kind::Esc), key(U'i')}).state;
  EXPECT_EQ(selected_number(state), 0U);
}

TEST(Beeps, OneWhenThereIsNothingToSelectYet) {
  Beeps beeps;
  Beeps::Time now;
  beeps.look(menu_of({}), now);
  EXPECT_EQ(sounds(beeps, now), 1);
  beeps.look(menu_of(four_items()), now);
  EXPECT_EQ(sounds(beeps, now), 1);
  beeps.look(press(menu_of(four_items()), {key(U'i')}).state, now);
  EXPECT_EQ(sounds(beeps, now), 0);
}

}  // namespace
}  // namespace vhdboot::menu
