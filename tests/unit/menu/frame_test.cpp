// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/frame.h"

#include <random>

#include "init/menu/render.h"
#include "tests/unit/menu/menus.h"
#include "tests/unit/menu/vt_emulator.h"

namespace vhdboot::menu {
namespace {

using namespace test;
using Kind = Key::Kind;

constexpr Screen kSmall{.columns = 40, .rows = 3, .capability = Capability::Vt};

Frame frame_of(std::string_view text, Style style = Style::Plain) {
  return with_text(blank_frame(kSmall), 1, 2, text, style);
}

TEST(Frame, NothingIsWrittenBeyondItsEdges) {
  Frame frame = blank_frame({.columns = 4, .rows = 2});
  frame = with_text(std::move(frame), 0, 2, "abc", Style::Plain);
  frame = with_text(std::move(frame), 1, 2, "abc", Style::Plain);
  frame = with_text(std::move(frame), 2, 0, "abc", Style::Plain);
  frame = with_text(std::move(frame), 0, 4, "abc", Style::Plain);
  EXPECT_EQ(text_of(frame), "  ab\n  a\n") << "and nothing into its last cell";
}

TEST(Frame, ItsSizeHasACap) {
  const Frame large = blank_frame({.columns = 1'000'000, .rows = 1'000'000});
  EXPECT_EQ(large.columns, kMaxColumns);
  EXPECT_EQ(large.rows, kMaxRows);
  EXPECT_EQ(blank_frame({.columns = 0, .rows = 0}).cells.size(), 1u);
}

TEST(Draw, TheFirstTimeAll) {
  EXPECT_EQ(draw({}, frame_of("menu", Style::Bold), Capability::Vt),
            "\033[0m\033[H\033[2J\033[2;3H\033[0;1mmenu\033[0m\033[1;1H");
}

TEST(Draw, NothingWhenNothingChanges) {
  EXPECT_EQ(draw(frame_of("menu"), frame_of("menu"), Capability::Vt), "");
}

TEST(Draw, OnlyWhatChanges) {
  EXPECT_EQ(draw(frame_of("starts in 5"), frame_of("starts in 4"), Capability::Vt), "\033[2;13H4\033[1;1H");
  EXPECT_EQ(draw(frame_of("a long line"), frame_of("a"), Capability::Vt), "\033[2;4H\033[K\033[1;1H");
  EXPECT_EQ(draw(frame_of("axc"), frame_of("bxd"), Capability::Vt), "\033[2;3Hbxd\033[1;1H") << "a short gap";
  Frame moved = frame_of("menu");
  moved.cursor_column = 7;
  EXPECT_EQ(draw(frame_of("menu"), moved, Capability::Vt), "\033[1;8H");
}

TEST(Draw, ColoursOnlyWhereThereAreSome) {
  EXPECT_THAT(draw({}, frame_of("refused", Style::Bad), Capability::Linux), testing::HasSubstr("\033[0;1;31mrefused"));
  EXPECT_THAT(draw({}, frame_of("refused", Style::Bad), Capability::Vt), testing::Not(testing::HasSubstr("31m")));
}

// What a terminal without colours shows of a frame.
Frame as_shown(Frame frame, Capability capability) {
  if (capability == Capability::Linux) return frame;
  for (Cell& cell : frame.cells)
    if (cell.style == Style::Good || cell.style == Style::Bad) cell.style = Style::Plain;
  return frame;
}

TEST(Draw, ATerminalShowsTheFrameAfterEachKey) {
  const std::vector<Key> keys{key(Kind::Up),       key(Kind::Down), key(Kind::Down), key(Kind::Left), key(Kind::Right),
                              key(Kind::PageDown), key(Kind::Home), key(Kind::End),  key(Kind::Esc),  key(Kind::Enter),
                              key(Kind::Delete),   ctrl(U'u'),      ctrl(U'w'),      key(U'1'),       key(U'/'),
                              key(U'e'),           key(U'o'),       key(U'i'),       key(U'l'),       key(U'?'),
                              key(U'c'),           key(U'ü'),       key(U' ')};
  std::mt19937 random(1);
  for (const Screen& screen :
       {Screen{80, 25, Capability::Vt}, Screen{52, 24, Capability::Linux}, Screen{128, 48, Capability::Linux},
        Screen{240, 67, Capability::Linux}, Screen{20, 5, Capability::Vt}, Screen{33, 11, Capability::Vt},
        Screen{3, 2, Capability::Vt}}) {
    State state = menu_of(four_items());
    Frame before;
    VtEmulator terminal(screen);
    for (int i = 0; i < 250; ++i) {
      const auto roll = random() % 40;
      if (roll == 0) state = with_items(std::move(state), many_items(random() % 200));
      if (roll == 1) state = with_items(std::move(state), four_items());
      if (roll == 2) state = with_failure(std::move(state), a_failure());
      if (roll == 3) state.countdown = 7;
      if (roll == 4) state.log.push_back("another line");
      state = update(std::move(state), keys[random() % keys.size()], screen).state;
      const Frame now = render(state, screen);
      terminal.write(draw(before, now, screen.capability));
      ASSERT_EQ(terminal.frame(), as_shown(now, screen.capability)) << text_of(now) << "---\n"
                                                                    << text_of(terminal.frame());
      before = now;
    }
  }
}

TEST(Draw, AStepInTheListIsShort) {
  const State state = menu_of(four_items());
  const State next = press(state, {key(Kind::Down)}).state;
  const std::string bytes = draw(render(state, kVt), render(next, kVt), Capability::Vt);
  EXPECT_LT(bytes.size(), 500u) << "half a second at 9600 baud";
}

}  // namespace
}  // namespace vhdboot::menu
