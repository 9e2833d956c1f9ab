// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/update.h"

#include "tests/unit/menu/menus.h"

namespace vhdboot::menu {
namespace {

using namespace test;
using Kind = Key::Kind;

State menu() {
  return menu_of(four_items());
}

Action boot(std::string item, std::optional<std::string> entry = {}, std::optional<std::string> options = {},
            Mode mode = Mode::Normal) {
  return {.kind = Action::Kind::Boot,
          .boot = {.item = std::move(item), .entry = std::move(entry), .options = std::move(options), .mode = mode}};
}

Action pressed(State state, const std::vector<Key>& keys) {
  return press(std::move(state), keys).action;
}

std::size_t selected_after(State state, const std::vector<Key>& keys) {
  return press(std::move(state), keys).state.selected;
}

TEST(MenuList, EnterBoots) {
  EXPECT_EQ(pressed(menu(), {key(Kind::Enter)}), boot("debian"));
  EXPECT_EQ(pressed(menu(), {key(U'3'), key(Kind::Enter)}), boot("trixie")) << "one that nobody has looked at is tried";
  EXPECT_EQ(pressed(menu_of({}), {key(Kind::Enter)}), Action{});
}

TEST(MenuList, WhatCannotBeStartedIsNeverStarted) {
  for (const char32_t number : {U'2', U'4'}) {
    auto items = four_items();
    for (Item& item : items) item.can_read_only = true;
    for (Item& item : items) item.entries = items[0].entries;
    const State refused = press(menu_of(items), {key(number)}).state;
    for (const Key& start : {key(Kind::Enter), key(U'v'), key(U'e')}) {
      Step step = update(refused, start, kVt);
      EXPECT_EQ(step.action, Action{});
      EXPECT_EQ(step.state.page(), Page::Details) << "which says why";
      EXPECT_EQ(pressed(std::move(step.state), {key(Kind::Enter)}), Action{});
    }
    EXPECT_EQ(pressed(refused, {key(U'x')}), Action{}) << "that does not help it";
    EXPECT_EQ(pressed(refused, {key(U'o'), key(U'2'), key(Kind::Enter)}), Action{});
    EXPECT_EQ(pressed(refused, {key(U'o'), key(U'e'), key(Kind::Enter)}), Action{});
  }
}

TEST(MenuList, WhatIsRefusedMayStartWhereNothingIsKept) {
  auto items = four_items();
  for (Item& item : items) item.can_forget = true;
  const State refused = press(menu_of(items), {key(U'2')}).state;
  EXPECT_EQ(pressed(refused, {key(U'x')}), boot(items[1].id, {}, {}, Mode::Forget));
  EXPECT_EQ(pressed(refused, {key(Kind::Enter)}), Action{});
  EXPECT_EQ(pressed(refused, {key(U'v')}), Action{});
  EXPECT_EQ(pressed(menu_of(items), {key(U'4'), key(U'x')}), Action{}) << "it is foreign";
}

TEST(MenuList, WhatBecomesRefusedWhileItIsEditedIsNotStarted) {
  State state = press(menu(), {key(U'e')}).state;
  auto items = four_items();
  items[0].readiness = Readiness::Refused;
  const Step step = press(with_items(std::move(state), items), {key(Kind::Enter)});
  EXPECT_EQ(step.action, Action{});
  EXPECT_EQ(step.state.page(), Page::Details);
}

TEST(MenuList, RightNeverBoots) {
  const Step step = press(menu(), {key(Kind::Right)});
  EXPECT_EQ(step.action, Action{});
  EXPECT_EQ(step.state.page(), Page::Details);
  EXPECT_EQ(pressed(menu(), std::vector<Key>(10, key(Kind::Right))), Action{});
  EXPECT_EQ(press(menu_of({}), {key(Kind::Right)}).state.page(), Page::List);
}

TEST(MenuList, Moves) {
  EXPECT_EQ(selected_after(menu(), {key(Kind::Down)}), 1u);
  EXPECT_EQ(selected_after(menu(), {key(Kind::Up)}), 0u);
  EXPECT_EQ(selected_after(menu(), {key(Kind::End)}), 3u);
  EXPECT_EQ(selected_after(menu(), {key(Kind::End), key(Kind::Down)}), 3u);
  EXPECT_EQ(selected_after(menu(), {key(Kind::End), key(Kind::Home)}), 0u);
  EXPECT_EQ(selected_after(menu(), {key(Kind::PageDown)}), 3u);
  EXPECT_EQ(selected_after(menu_of({}), {key(Kind::Down), key(Kind::End), key(Kind::PageUp)}), 0u);
  const std::size_t page = selected_after(menu_of(many_items(100)), {key(Kind::PageDown)});
  EXPECT_GT(page, 5u);
  EXPECT_LT(page, 25u);
}

TEST(MenuList, NumbersChooseAndStartNothing) {
  EXPECT_EQ(selected_after(menu(), {key(U'3')}), 2u);
  EXPECT_EQ(pressed(menu(), {key(U'3')}), Action{});
  EXPECT_EQ(selected_after(menu(), {key(U'3'), key(U'2')}), 1u) << "there is no 32";
  EXPECT_EQ(selected_after(menu(), {key(U'0')}), 0u);
  const Step step = press(menu(), {key(U'2'), key(U'9')});
  EXPECT_EQ(step.state.selected, 1u);
  EXPECT_EQ(step.state.notice, "There is no number 9.");
}

TEST(MenuList, NumbersOfMoreDigits) {
  const State many = menu_of(many_items(123));
  EXPECT_EQ(selected_after(many, {key(U'1')}), 0u);
  EXPECT_EQ(selected_after(many, {key(U'1'), key(U'2')}), 11u);
  EXPECT_EQ(selected_after(many, {key(U'1'), key(U'2'), key(U'3')}), 122u);
  EXPECT_EQ(selected_after(many, {key(U'1'), key(U'2'), key(U'4')}), 3u) << "there is no 124";
  EXPECT_EQ(selected_after(many, {key(U'1'), key(Kind::Down), key(U'2')}), 1u) << "another key ends a number";
  EXPECT_EQ(pressed(many, {key(U'1'), key(U'2'), key(Kind::Enter)}), boot("id12"));
}

TEST(MenuList, FindsWhileOneTypes) {
  State state = press(menu(), {key(U'/')}).state;
  EXPECT_TRUE(state.find);
  state = press(std::move(state), typed("TRIX")).state;
  EXPECT_EQ(state.selected, 2u);
  EXPECT_EQ(press(state, {key(Kind::Down)}).state.selected, 2u) << "only what is found can be chosen";
  const Step step = press(state, {key(Kind::Enter)});
  EXPECT_EQ(step.action, Action{}) << "it ends the search";
  EXPECT_FALSE(step.state.find);
  EXPECT_EQ(step.state.selected, 2u);
  EXPECT_FALSE(press(state, {key(Kind::Esc)}).state.find);
}

TEST(MenuList, LettersHaveNoOtherMeaningWhileOneFinds) {
  const Step step = press(menu(), typed("/prs1?"));
  EXPECT_EQ(step.action, Action{});
  EXPECT_EQ(step.state.page(), Page::List);
  EXPECT_EQ(step.state.find->text, "prs1?");
  EXPECT_EQ(step.state.selected, 0u) << "nothing matches";
}

TEST(MenuPages, EscAndLeftGoBackOne) {
  for (const Key& back : {key(Kind::Esc), key(Kind::Left)}) {
    for (const char32_t page : {U'i', U'o', U'l', U'?', U'h'}) {
      const State state = press(menu(), {key(page)}).state;
      EXPECT_NE(state.page(), Page::List) << static_cast<char>(page);
      EXPECT_EQ(press(state, {back}).state.page(), Page::List);
    }
    const Step step = press(menu(), {back});
    EXPECT_EQ(step.action, Action{});
    EXPECT_EQ(step.state.page(), Page::List);
  }
  State state = press(menu(), typed("oe")).state;
  EXPECT_EQ(state.page(), Page::Edit);
  state = press(std::move(state), {key(Kind::Esc)}).state;
  EXPECT_EQ(state.page(), Page::Kernels);
  state = press(std::move(state), {key(Kind::Esc)}).state;
  EXPECT_EQ(state.page(), Page::List);
}

TEST(MenuPages, AreNeverOpenTwice) {
  const State state = press(menu(), typed("iololiol?l?il?o")).state;
  EXPECT_LE(state.views.size(), 7u);
}

TEST(MenuPages, LettersOfEitherCase) {
  EXPECT_EQ(press(menu(), {key(U'I')}).state.page(), Page::Details);
  EXPECT_EQ(pressed(menu(), {key(U'R')}).kind, Action::Kind::Restart);
}

TEST(MenuPages, OthersMeanNothing) {
  for (const Key& other : {key(U'q'), key(U'é'), key(U'\u0173'), key(Kind::Tab), key(Kind::Delete), ctrl(U'r')}) {
    const Step step = press(menu(), {other});
    EXPECT_EQ(step.action, Action{});
    EXPECT_EQ(step.state.page(), Page::List);
  }
}

TEST(MenuPages, PowerActsAtOnceWhereverOneIs) {
  for (const char* way : {"", "i", "o", "l", "?"}) {
    const State state = press(menu(), typed(way)).state;
    EXPECT_EQ(pressed(state, {key(U'r')}).kind, Action::Kind::Restart) << way;
    EXPECT_EQ(pressed(state, {key(U'p')}).kind, Action::Kind::PowerOff) << way;
    EXPECT_EQ(pressed(state, {key(U's')}).kind, Action::Kind::Shell) << way;
    EXPECT_EQ(pressed(state, {key(U'f')}).kind, Action::Kind::Firmware) << way;
  }
}

TEST(MenuPages, WhatIsNotThereIsNotDone) {
  State state = menu();
  state.can_shell = false;
  state.can_firmware = false;
  EXPECT_EQ(pressed(state, {key(U's')}), Action{});
  EXPECT_EQ(pressed(state, {key(U'f')}), Action{});
  EXPECT_EQ(pressed(state, {key(U'v')}), Action{}) << "no item can";
}

TEST(MenuPages, LooksAgain) {
  EXPECT_EQ(pressed(menu(), {key(U't')}).kind, Action::Kind::LookAgain);
  EXPECT_EQ(pressed(menu_of({}), {key(U't')}).kind, Action::Kind::LookAgain);
}

TEST(MenuKernels, TheChosenOneIsStarted) {
  EXPECT_EQ(pressed(menu(), {key(U'o'), key(Kind::Down), key(Kind::Enter)}), boot("debian", "old.efi"));
  EXPECT_EQ(pressed(menu(), {key(U'o'), key(U'3'), key(Kind::Enter)}), boot("debian", "rescue"));
  EXPECT_EQ(pressed(menu(), {key(U'o'), key(Kind::End), key(U'x')}), boot("debian", "rescue", {}, Mode::Forget));
  EXPECT_EQ(pressed(menu(), {key(U'o'), key(Kind::Down), key(Kind::Esc), key(Kind::Enter)}), boot("debian"));
}

TEST(MenuKernels, OneThatNobodyHasLookedIntoHasNone) {
  for (const char32_t letter : {U'o', U'e'}) {
    const State state = press(menu(), {key(U'3'), key(letter)}).state;
    EXPECT_EQ(state.page(), Page::List);
    EXPECT_EQ(state.notice, "Its kernels are not known yet.");
  }
}

TEST(MenuModes, OnlyOfItemsThatCan) {
  EXPECT_EQ(pressed(menu(), {key(U'x')}), boot("debian", {}, {}, Mode::Forget));
  const Step step = press(menu(), {key(U'3'), key(U'x')});
  EXPECT_EQ(step.action, Action{});
  EXPECT_EQ(step.state.notice, "This image cannot be started like that.");
  auto items = four_items();
  items[0].can_read_only = true;
  EXPECT_EQ(pressed(menu_of(items), {key(U'v')}), boot("debian", {}, {}, Mode::ReadOnly));
}

TEST(MenuRollBack, IsDoneWhenAPersonHasSaidYes) {
  auto items = four_items();
  EXPECT_EQ(pressed(menu_of(items), {key(U'u'), key(U'y')}), Action{}) << "nothing can be rolled back";
  items[0].rolls_back_to = "debian.1.vhdx";
  const State asked = press(menu_of(items), {key(U'u')}).state;
  EXPECT_EQ(asked.page(), Page::RollBack);
  EXPECT_EQ(pressed(asked, {key(U'y')}), (Action{.kind = Action::Kind::RollBack, .boot = {}, .item = "debian"}));
  for (const Key& other : {key(Kind::Enter), key(Kind::Right), key(U'1'), key(U'u'), key(U'n')})
    EXPECT_EQ(pressed(asked, {other}), Action{});
  EXPECT_EQ(press(asked, {key(Kind::Esc)}).state.page(), Page::List);
  EXPECT_EQ(pressed(menu_of(items), {key(U'y')}), Action{}) << "nobody was asked";
  EXPECT_EQ(press(menu_of(items), {key(U'2'), key(U'u')}).state.notice,
            "There is nothing that this image can be rolled back to.");
}

TEST(MenuRollBack, NotOfWhatHasGoneOrChangedMeanwhile) {
  auto items = four_items();
  items[0].rolls_back_to = "debian.1.vhdx";
  State asked = press(menu_of(items), {key(U'i'), key(U'u')}).state;
  auto without = items;
  without[0].rolls_back_to.clear();
  EXPECT_EQ(pressed(with_items(asked, without), {key(U'y')}), Action{});
  without.erase(without.begin());
  const State gone = with_items(asked, without);
  EXPECT_EQ(gone.page(), Page::List);
  EXPECT_EQ(pressed(gone, {key(U'y')}), Action{});
}

TEST(MenuEdit, StartsWithTheOptionsThatThereAre) {
  EXPECT_EQ(pressed(menu(), {key(U'e'), key(Kind::Enter)}),
            boot("debian", "debian12.efi", "root=UUID=0123 quiet splash"));
  EXPECT_EQ(pressed(menu(), {key(U'o'), key(U'3'), key(U'e'), key(U's'), key(Kind::Enter)}),
            boot("debian", "rescue", "singles"));
}

TEST(MenuEdit, TakesAllThatIsTyped) {
  State state = press(menu(), {key(U'e'), ctrl(U'u')}).state;
  state = press(std::move(state), typed("rps /?1x")).state;
  EXPECT_EQ(state.page(), Page::Edit);
  EXPECT_EQ(pressed(state, {key(Kind::Enter)}), boot("debian", "debian12.efi", "rps /?1x"));
  EXPECT_EQ(press(state, {key(Kind::Left)}).state.page(), Page::Edit) << "it moves the cursor";
  EXPECT_EQ(pressed(state, {key(Kind::Esc), key(Kind::Enter)}), boot("debian")) << "what was typed is forgotten";
}

TEST(MenuEdit, OfAKernelThatHasGone) {
  State state = press(menu(), {key(U'e')}).state;
  auto items = four_items();
  items[0].entries.erase(items[0].entries.begin());
  const Step step = press(with_items(std::move(state), items), {key(Kind::Enter)});
  EXPECT_EQ(step.action, Action{});
  EXPECT_EQ(step.state.notice, "That kernel is no longer there.");
  EXPECT_EQ(step.state.page(), Page::List);
}

TEST(MenuText, MovesNoFurtherThanItsEnds) {
  State state = menu();
  for (int i = 0; i < 100; ++i) state.log.push_back("line " + std::to_string(i));
  state = press(std::move(state), {key(U'l')}).state;
  const std::size_t end = state.view().at;
  EXPECT_GT(end, 70u) << "the newest lines show first";
  EXPECT_EQ(press(state, {key(Kind::Down)}).state.view().at, end);
  EXPECT_EQ(press(state, {key(Kind::End)}).state.view().at, end);
  EXPECT_EQ(press(state, {key(Kind::Up)}).state.view().at, end - 1);
  EXPECT_LT(press(state, {key(Kind::PageUp)}).state.view().at, end - 5);
  EXPECT_EQ(press(state, {key(Kind::Home)}).state.view().at, 0u);
  // A larger screen shows all, and the next key starts from there.
  const Screen large{.columns = 80, .rows = 120};
  EXPECT_EQ(update(state, key(Kind::Up), large).state.view().at, 0u);
}

TEST(MenuFailurePage, ItsKeys) {
  const State state = with_failure(menu(), a_failure());
  EXPECT_EQ(pressed(state, {key(U't')}).kind, Action::Kind::TryAgain);
  EXPECT_EQ(pressed(state, {key(U's')}).kind, Action::Kind::Shell);
  EXPECT_EQ(pressed(state, {key(U'r')}).kind, Action::Kind::Restart);
  EXPECT_EQ(pressed(state, {key(U'p')}).kind, Action::Kind::PowerOff);
  EXPECT_EQ(pressed(state, {key(Kind::Enter)}), Action{});
  EXPECT_EQ(press(state, {key(U'l')}).state.page(), Page::Log);
  EXPECT_EQ(press(state, {key(U'l'), key(Kind::Esc)}).state.page(), Page::Failure);
  EXPECT_EQ(press(state, {key(U'c')}).state.page(), Page::List);
  EXPECT_EQ(pressed(state, {key(U'c'), key(U'3'), key(Kind::Enter)}), boot("trixie"));
  EXPECT_EQ(pressed(state, {key(U'c'), key(U't')}).kind, Action::Kind::LookAgain);
}

TEST(MenuCountdown, AnyKeyStopsIt) {
  State state = menu();
  state.countdown = 5;
  for (const Key& one : {key(Kind::Down), key(Kind::Esc), key(U'q'), key(Kind::Tab), ctrl(U'c')})
    EXPECT_EQ(press(state, {one}).state.countdown, std::nullopt);
  EXPECT_EQ(pressed(state, {key(Kind::Enter)}), boot("debian")) << "and does what it does";
}

TEST(MenuCountdown, WhatATerminalAnswersIsNoKey) {
  State state = menu();
  state.countdown = 5;
  state = press(std::move(state), {Key{.kind = Kind::CursorReport, .row = 24, .column = 80}}).state;
  EXPECT_EQ(state.countdown, 5u);
  EXPECT_FALSE(state.touched);
}

TEST(MenuTimeout, StartsTheDefaultWhenItIsReady) {
  EXPECT_EQ(timeout(menu()), boot("debian"));
  EXPECT_EQ(timeout(press(menu(), typed("4l")).state), boot("debian")) << "wherever somebody has left the menu";
}

TEST(MenuTimeout, ElseTheMenuStays) {
  State state = menu();
  state.default_item.reset();
  EXPECT_EQ(timeout(state), Action{});
  for (const char* other : {"arch", "trixie", "windows", "none"}) {
    state.default_item = other;
    EXPECT_EQ(timeout(state), Action{}) << other;
  }
  EXPECT_EQ(timeout(menu_of({})), Action{});
  EXPECT_EQ(timeout(with_failure(menu(), a_failure())), Action{}) << "a person should see it";
}

}  // namespace
}  // namespace vhdboot::menu
