// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/state.h"

#include <algorithm>

#include "tests/unit/menu/menus.h"

namespace vhdboot::menu {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Key::Kind;

std::string selected(const State& state) {
  const Item* item = selected_item(state);
  return item == nullptr ? "" : item->id;
}

TEST(MenuItems, TheSelectionStaysOnTheSameItemWhileTheListGrows) {
  State state = press(menu_of(four_items()), {key(Kind::Down), key(Kind::Down)}).state;
  ASSERT_EQ(selected(state), "trixie");
  auto items = many_items(20);
  std::ranges::copy(four_items(), std::back_inserter(items));
  EXPECT_EQ(selected(with_items(state, items)), "trixie");
  std::ranges::reverse(items);
  EXPECT_EQ(selected(with_items(state, items)), "trixie");
}

TEST(MenuItems, OneThatIsGoneLeavesTheSelectionWhereItWas) {
  const State state = press(menu_of(four_items()), {key(Kind::End)}).state;
  auto items = four_items();
  items.pop_back();
  EXPECT_EQ(selected(with_items(state, items)), "trixie");
  EXPECT_EQ(selected(with_items(state, {})), "");
  EXPECT_EQ(selected(with_items(with_items(state, {}), four_items())), "debian");
}

TEST(MenuItems, TheDefaultIsSelectedUntilAKeyIsPressed) {
  State state = menu_of(many_items(3));
  EXPECT_EQ(selected(state), "id1");
  auto items = many_items(3);
  std::ranges::copy(four_items(), std::back_inserter(items));
  EXPECT_EQ(selected(with_items(state, items)), "debian");
  state = press(std::move(state), {key(Kind::Down)}).state;
  EXPECT_EQ(selected(with_items(state, items)), "id2");
}

TEST(MenuItems, HaveACap) {
  EXPECT_EQ(menu_of(many_items(kMaxItems + 5)).items.size(), kMaxItems);
}

TEST(MenuItems, PagesOfOneThatIsGoneAreClosed) {
  for (const char32_t page : {U'i', U'o', U'e'}) {
    State state = press(menu_of(four_items()), {key(page)}).state;
    ASSERT_NE(state.page(), Page::List);
    EXPECT_EQ(with_items(state, four_items()).page(), state.page());
    state = with_items(std::move(state), many_items(2));
    EXPECT_EQ(state.page(), Page::List);
    EXPECT_EQ(state.notice, "Debian GNU/Linux 12 (bookworm) is no longer there.");
  }
  const State log = press(menu_of(four_items()), {key(U'l')}).state;
  EXPECT_EQ(with_items(log, {}).page(), Page::Log);
}

TEST(MenuItems, TheSelectedKernelStaysTheSame) {
  const State state = press(menu_of(four_items()), {key(U'o'), key(Kind::Down)}).state;
  ASSERT_EQ(entry_in_hand(state)->id, "old.efi");
  auto items = four_items();
  std::ranges::reverse(items[0].entries);
  items[0].entries.push_back({.id = "new"});
  EXPECT_EQ(entry_in_hand(with_items(state, items))->id, "old.efi");
  items[0].entries = {{.id = "new"}};
  EXPECT_EQ(entry_in_hand(with_items(state, items))->id, "new");
  items[0].entries.clear();
  EXPECT_EQ(entry_in_hand(with_items(state, items)), nullptr);
}

TEST(MenuItems, ListedAreAllOrThoseThatAreLookedFor) {
  State state = menu_of(four_items());
  EXPECT_THAT(listed_items(state), ElementsAre(0, 1, 2, 3));
  state.find = line_of("DEBIAN");
  EXPECT_THAT(listed_items(state), ElementsAre(0, 2)) << "the name, in letters of either case";
  state.find = line_of("ventoy:");
  EXPECT_THAT(listed_items(state), ElementsAre(2)) << "the place";
  state.find = line_of("gentoo");
  EXPECT_THAT(listed_items(state), IsEmpty());
}

TEST(MenuFailure, IsShownOverTheList) {
  State state = press(menu_of(four_items()), {key(U'e')}).state;
  state.countdown = 5;
  state = with_failure(std::move(state), a_failure());
  EXPECT_EQ(state.page(), Page::Failure);
  EXPECT_EQ(state.views.size(), 2u);
  EXPECT_EQ(state.countdown, std::nullopt);
}

}  // namespace
}  // namespace vhdboot::menu
