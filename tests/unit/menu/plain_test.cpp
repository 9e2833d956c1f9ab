// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/plain.h"

#include "tests/unit/menu/menus.h"

namespace vhdboot::menu {
namespace {

using namespace test;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

State menu() {
  return menu_of(four_items());
}

Step said(State state, const std::vector<std::string>& lines) {
  Step step{std::move(state), {}};
  for (const std::string& line : lines) step = update_plain(std::move(step.state), line);
  return step;
}

std::string booted(const std::vector<std::string>& lines) {
  const Action action = said(menu(), lines).action;
  if (action.kind != Action::Kind::Boot) return "nothing";
  return action.boot.item + " " + action.boot.entry.value_or("-") + " " + action.boot.options.value_or("-");
}

TEST(Plain, ANumberBoots) {
  EXPECT_EQ(booted({"1"}), "debian - -");
  EXPECT_EQ(booted({" 03 "}), "trixie - -");
  EXPECT_EQ(booted({""}), "debian - -") << "Enter is Enter";
  EXPECT_EQ(booted({"0"}), "nothing");
  EXPECT_EQ(said(menu(), {"12"}).state.notice, "There is no number 12.");
}

TEST(Plain, WhatCannotBeStartedIsExplained) {
  EXPECT_EQ(booted({"2"}), "nothing");
  EXPECT_EQ(booted({"2", ""}), "nothing");
  EXPECT_EQ(booted({"e2"}), "nothing");
  EXPECT_THAT(render_plain(said(menu(), {"2"}).state), HasSubstr("2.1 GiB were never written"));
}

TEST(Plain, ALetterIsAKey) {
  EXPECT_EQ(said(menu(), {"r"}).action.kind, Action::Kind::Restart);
  EXPECT_EQ(said(menu(), {"P"}).action.kind, Action::Kind::PowerOff);
  EXPECT_EQ(said(menu(), {"s"}).action.kind, Action::Kind::Shell);
  EXPECT_EQ(said(menu(), {"i 2"}).state.page(), Page::Details);
  EXPECT_EQ(said(menu(), {"i 2"}).state.selected, 1u);
  EXPECT_EQ(said(menu(), {"i2", "b"}).state.page(), Page::List);
  EXPECT_EQ(said(menu(), {"x1"}).action.boot.mode, Mode::Forget);
}

TEST(Plain, RollsBackWhenToldTwice) {
  auto items = four_items();
  items[0].rolls_back_to = "debian.1.vhdx";
  const State asked = said(menu_of(items), {"u 1"}).state;
  EXPECT_THAT(render_plain(asked),
              AllOf(HasSubstr("It will read as debian.1.vhdx again."), HasSubstr("y roll it back")));
  EXPECT_EQ(said(asked, {"y"}).action.kind, Action::Kind::RollBack);
  EXPECT_EQ(said(asked, {""}).action.kind, Action::Kind::None);
  EXPECT_EQ(said(asked, {"1"}).action.kind, Action::Kind::None);
}

TEST(Plain, OtherWordsDoNothing) {
  for (const char* words : {"reboot", "rr", "ä", "2x", "-1", "i 9", "99999999999999999999999"}) {
    const Step step = said(menu(), {words});
    EXPECT_EQ(step.action, Action{}) << words;
    EXPECT_EQ(step.state.page(), Page::List) << words;
    EXPECT_EQ(step.state.selected, 0u) << words;
  }
  EXPECT_EQ(said(menu(), {"i", "/reboot"}).action, Action{});
  EXPECT_EQ(said(menu_of({}), {"/reboot"}).action, Action{});
}

TEST(Plain, Kernels) {
  EXPECT_EQ(booted({"o", "2"}), "debian old.efi -");
  EXPECT_EQ(booted({"o1", "e 3", ""}), "debian rescue single");
}

TEST(Plain, EditsOptions) {
  const State state = said(menu(), {"e"}).state;
  EXPECT_THAT(render_plain(state), HasSubstr("\nroot=UUID=0123 quiet splash\n"));
  EXPECT_EQ(booted({"e", ""}), "debian debian12.efi root=UUID=0123 quiet splash");
  EXPECT_EQ(booted({"e", "root=/dev/vda1 ü"}), "debian debian12.efi root=/dev/vda1 ü");
  EXPECT_EQ(booted({"e", "+single"}), "debian debian12.efi root=UUID=0123 quiet splash single");
  EXPECT_EQ(booted({"e", "."}), "nothing");
  EXPECT_EQ(said(menu(), {"e", "."}).state.page(), Page::List);
}

TEST(Plain, Finds) {
  const State state = said(menu(), {"/TRIXIE"}).state;
  EXPECT_THAT(render_plain(state), HasSubstr("> 3 Debian GNU/Linux 13"));
  EXPECT_THAT(render_plain(state), Not(HasSubstr("Arch")));
  EXPECT_EQ(booted({"/trixie", ""}), "trixie - -");
  EXPECT_EQ(booted({"/trixie", "1"}), "debian - -") << "the numbers stay those of the whole list";
}

TEST(Plain, ALineStopsTheCountdown) {
  State state = menu();
  state.countdown = 5;
  for (const char* line : {"i", "0", "nonsense", "/x", "b"})
    EXPECT_EQ(said(state, {line}).state.countdown, std::nullopt);
}

TEST(Plain, AFailure) {
  const State state = with_failure(menu(), a_failure());
  EXPECT_EQ(said(state, {"t"}).action.kind, Action::Kind::TryAgain);
  EXPECT_EQ(said(state, {"c", "3"}).action.boot.item, "trixie");
  EXPECT_EQ(said(state, {""}).action, Action{});
}

TEST(Plain, AForeignNameIsOneLine) {
  const std::string text = render_plain(menu_of({{.id = "x", .title = "a\nb\033[2J\xFF"}}));
  EXPECT_THAT(text, HasSubstr("a?b?[2J?"));
}

TEST(Plain, TheList) {
  EXPECT_EQ(render_plain(menu()), R"(
vhdboot 0.3.0, Data (NTFS), Ventoy (exFAT)

> 1 Debian GNU/Linux 12 (bookworm), ready, 64 GiB, Data:/boot/debian.vhd
  2 Arch Linux, refused, 32 GiB, Data:/boot/arch.vhd
  3 Debian GNU/Linux 13 (trixie), not yet looked at, 8 GiB, Ventoy:/trixie.img
  4 Windows 11, not by vhdboot, 80 GiB, Data:/boot/win11.vhd

A number boots it. Enter boot, ? help, e edit options, o other kernels, i details, / find, x ephemeral, t look again, l log, s shell, r restart, f firmware setup, p power off
Number or letter, then Enter: )");
}

}  // namespace
}  // namespace vhdboot::menu
