// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/render.h"

#include "base/text.h"
#include "tests/unit/menu/menus.h"

namespace vhdboot::menu {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;
using Kind = Key::Kind;

constexpr Screen k20x5{20, 5, Capability::Vt};
constexpr Screen k52x24{52, 24, Capability::Vt};
constexpr Screen k128x48{128, 48, Capability::Linux};
constexpr Screen k240x67{240, 67, Capability::Linux};

State menu() {
  return menu_of(four_items());
}

State counting_down() {
  State state = menu();
  state.countdown = 5;
  return state;
}

std::string screen(const State& state, const Screen& screen) {
  return "\n" + text_of(render(state, screen));
}

// The first ten rows.
std::string top_of(const State& state, const Screen& screen) {
  const std::string text = text_of(render(state, screen));
  std::size_t end = 0;
  for (int row = 0; row < 10; ++row) end = text.find('\n', end) + 1;
  return "\n" + text.substr(0, end);
}

std::pair<std::size_t, std::size_t> cursor(const State& state, const Screen& screen) {
  const Frame frame = render(state, screen);
  return {frame.cursor_row, frame.cursor_column};
}

const Cell& cell(const Frame& frame, std::size_t row, std::size_t column) {
  return frame.cells[row * frame.columns + column];
}

TEST(Render, TheList) {
  EXPECT_EQ(screen(counting_down(), kVt), R"(
vhdboot 0.3.0                                        Data (NTFS), Ventoy (exFAT)

> 1 Debian GNU/Linux 12 (bookworm)  ready              64 GiB  Data:/boot/debia>
  2 Arch Linux                      refused            32 GiB  Data:/boot/arch.>
  3 Debian GNU/Linux 13 (trixie)    not yet looked at   8 GiB  Ventoy:/trixie.i>
  4 Windows 11                      not by vhdboot     80 GiB  Data:/boot/win11>

   Debian GNU/Linux 12 (bookworm), kernel 6.1.0-50-amd64
   root=UUID=0123 quiet splash












Starts in 5, any key stops it: Debian GNU/Linux 12 (bookworm)
Enter boot   ? help   e edit options   o other kernels   i details   / find
x ephemeral   t look again   l log   s shell   r restart   f firmware setup
p power off
)");
}

TEST(Render, TheListAt52x24) {
  EXPECT_EQ(screen(counting_down(), k52x24), R"(
vhdboot 0.3.0            Data (NTFS), Ventoy (exFAT)

> 1 Debian GNU/Linux 12 (bookwor>  ready
  2 Arch Linux                     refused
  3 Debian GNU/Linux 13 (trixie)   not yet looked at
  4 Windows 11                     not by vhdboot

   Debian GNU/Linux 12 (bookworm), kernel
     6.1.0-50-amd64
   root=UUID=0123 quiet splash









Starts in 5, any key stops it: Debian GNU/Linux 12 >
Enter boot   ? help   e edit options
o other kernels   i details   / find   x ephemeral
t look again   l log   s shell   r restart
f firmware setup   p power off
)");
}

TEST(Render, TheListAt20x5) {
  EXPECT_EQ(screen(counting_down(), k20x5), R"(
> 1 Debian > ready
  2 Arch Li> refused
  2 more below
Starts in 5, any ke>
Enter boot   ? help
)");
}

TEST(Render, TheListAt128x48) {
  EXPECT_EQ(top_of(menu(), k128x48), R"(
vhdboot 0.3.0                                                                                        Data (NTFS), Ventoy (exFAT)

> 1 Debian GNU/Linux 12 (bookworm)  ready              64 GiB  Data:/boot/debian.vhd
  2 Arch Linux                      refused            32 GiB  Data:/boot/arch.vhd
  3 Debian GNU/Linux 13 (trixie)    not yet looked at   8 GiB  Ventoy:/trixie.img
  4 Windows 11                      not by vhdboot     80 GiB  Data:/boot/win11.vhd

   Debian GNU/Linux 12 (bookworm), kernel 6.1.0-50-amd64
   root=UUID=0123 quiet splash

)");
}

TEST(Render, WhatIsRefused) {
  EXPECT_EQ(top_of(press(menu(), {key(Kind::Down)}).state, kVt), R"(
vhdboot 0.3.0                                        Data (NTFS), Ventoy (exFAT)

  1 Debian GNU/Linux 12 (bookworm)  ready              64 GiB  Data:/boot/debia>
> 2 Arch Linux                      refused            32 GiB  Data:/boot/arch.>
  3 Debian GNU/Linux 13 (trixie)    not yet looked at   8 GiB  Ventoy:/trixie.i>
  4 Windows 11                      not by vhdboot     80 GiB  Data:/boot/win11>

   It is not started: /boot/arch.vhd on Data is sparse, 2.1 GiB were never
     written.

)");
}

TEST(Render, DetailsOfWhatIsRefused) {
  EXPECT_EQ(screen(press(menu(), typed("2i")).state, kVt), R"(
vhdboot 0.3.0                                        Data (NTFS), Ventoy (exFAT)

Arch Linux
State: refused
It is not started: /boot/arch.vhd on Data is sparse, 2.1 GiB were never written.
What to do:
  In Windows:  fsutil sparse setflag D:\boot\arch.vhd 0
  In Linux:    vhdtool desparse /boot/arch.vhd

Image: Data:/boot/arch.vhd
Size: 32 GiB

A file that you expected is missing?

Looked at:
  Data: all folders
  Ventoy: all folders

Not looked at:
  nvme0n1p3 (BitLocker)
  sdb (no NTFS or exFAT)


Esc back   ? help   o other kernels   t look again   l log   s shell
r restart   f firmware setup   p power off
)");
}

TEST(Render, DetailsAt20x5) {
  EXPECT_EQ(screen(press(menu(), typed("2i")).state, k20x5), R"(
Arch Linux
State: refused
It is not started:
  32 more below
Esc back   ? help
)");
}

TEST(Render, Kernels) {
  EXPECT_EQ(screen(press(menu(), typed("o2")).state, kVt), R"(
vhdboot 0.3.0                                        Data (NTFS), Ventoy (exFAT)

  1 Debian GNU/Linux 12, kernel 6.1.0-50-amd64
> 2 the one before, kernel 6.1.0-49-amd64
  3 rescue

   Debian GNU/Linux 12 (bookworm), kernel 6.1.0-49-amd64
   root=UUID=0123















Enter boot   Esc back   ? help   e edit options   i details   x ephemeral
l log   s shell   r restart   f firmware setup   p power off
)");
}

TEST(Render, Editing) {
  EXPECT_EQ(screen(press(menu(), typed("e")).state, kVt), R"(
vhdboot 0.3.0                                        Data (NTFS), Ventoy (exFAT)

Options of Debian GNU/Linux 12 (bookworm), kernel 6.1.0-50-amd64, for this once:
root=UUID=0123 quiet splash



















Enter boot   Esc back   Ctrl-A start   Ctrl-E end   Ctrl-W erase word
Ctrl-U erase before   Ctrl-K erase after
)");
}

TEST(Render, EditingAt20x5) {
  EXPECT_EQ(screen(press(menu(), typed("e")).state, k20x5), R"(
Options of Debian
  GNU/Linux 12
  (bookworm), kernel
<123 quiet splash
Enter boot
)");
}

TEST(Render, Finding) {
  EXPECT_EQ(screen(press(menu(), typed("/de")).state, kVt), R"(
vhdboot 0.3.0                                        Data (NTFS), Ventoy (exFAT)

> 1 Debian GNU/Linux 12 (bookworm)  ready              64 GiB  Data:/boot/debia>
  3 Debian GNU/Linux 13 (trixie)    not yet looked at   8 GiB  Ventoy:/trixie.i>

   Debian GNU/Linux 12 (bookworm), kernel 6.1.0-50-amd64
   root=UUID=0123 quiet splash
















Find: de
Enter take it   Esc list all
)");
}

TEST(Render, AFailure) {
  EXPECT_EQ(screen(with_failure(menu(), a_failure()), kVt), R"(
vhdboot 0.3.0                                        Data (NTFS), Ventoy (exFAT)

Debian GNU/Linux 12 did not start: its kernel could not be read.

 1 volume: Data (NTFS, 0123456789ABCDEF)
 2 file: /boot/debian.vhd
 3 entry: debian12.efi

What to do:
  Check the file in Windows.
  Then try again.












t try again   c choose another image   ? help   l log   s shell   r restart
f firmware setup   p power off
)");
}

TEST(Render, NothingFound) {
  EXPECT_EQ(screen(menu_of({}), kVt), R"(
vhdboot 0.3.0                                        Data (NTFS), Ventoy (exFAT)

No system was found that could be started.

Looked at:
  Data: all folders
  Ventoy: all folders

Not looked at:
  nvme0n1p3 (BitLocker)
  sdb (no NTFS or exFAT)

What to do:
  Copy an image file beside vhdboot.efi.
  Then press t.








? help   t look again   l log   s shell   r restart   f firmware setup
p power off
)");
}

TEST(Render, AHundredSystemsAt52x24) {
  EXPECT_EQ(screen(press(menu_of(many_items(100)), typed("50")).state, k52x24), R"(
vhdboot 0.3.0            Data (NTFS), Ventoy (exFAT)

  44 more above
   45 System 45   ready   45 GiB  Data:/45.vhd
   46 System 46   ready   46 GiB  Data:/46.vhd
   47 System 47   ready   47 GiB  Data:/47.vhd
   48 System 48   ready   48 GiB  Data:/48.vhd
   49 System 49   ready   49 GiB  Data:/49.vhd
>  50 System 50   ready   50 GiB  Data:/50.vhd
   51 System 51   ready   51 GiB  Data:/51.vhd
   52 System 52   ready   52 GiB  Data:/52.vhd
   53 System 53   ready   53 GiB  Data:/53.vhd
   54 System 54   ready   54 GiB  Data:/54.vhd
   55 System 55   ready   55 GiB  Data:/55.vhd
  45 more below

   System 50



Enter boot   ? help   e edit options
o other kernels   i details   / find   t look again
l log   s shell   r restart   f firmware setup
p power off
)");
}

TEST(Render, AHundredSystemsAt20x5) {
  EXPECT_EQ(screen(press(menu_of(many_items(100)), typed("50")).state, k20x5), R"(
  48 more above
   49 System > ready
>  50 System > ready
  50 more below
Enter boot   ? help
)");
}

TEST(Render, TheCursorIsAtTheSelectedLine) {
  for (const Screen& size : {kVt, k52x24, k128x48, k240x67, k20x5}) {
    const std::size_t header = size.rows < 12 ? 0 : 2;
    EXPECT_THAT(cursor(menu(), size), testing::Pair(header, 0));
    EXPECT_THAT(cursor(press(menu(), {key(Kind::Down)}, size).state, size), testing::Pair(header + 1, 0));
  }
  const State kernels = press(menu(), typed("o3")).state;
  EXPECT_THAT(cursor(kernels, kVt), testing::Pair(4, 0));
}

TEST(Render, TheCursorIsWhereTypedTextGoes) {
  const State edit = press(menu(), {key(U'e'), key(Kind::Home), key(Kind::Right)}).state;
  EXPECT_THAT(cursor(edit, kVt), testing::Pair(3, 1));
  EXPECT_THAT(cursor(press(menu(), typed("/de")).state, kVt), testing::Pair(23, 8));
}

TEST(Render, SelectionAndStatesAreMoreThanColours) {
  const Frame frame = render(menu(), k128x48);
  EXPECT_EQ(cell(frame, 2, 0), (Cell{U'>', Style::Reverse}));
  EXPECT_EQ(cell(frame, 2, 36), (Cell{U'r', Style::Reverse})) << "ready, of the selected one";
  EXPECT_EQ(cell(frame, 3, 36), (Cell{U'r', Style::Bad})) << "refused";
  EXPECT_EQ(cell(frame, 4, 36), (Cell{U'n', Style::Plain})) << "not yet looked at";
}

TEST(Render, TheSelectedOneIsAlwaysInView) {
  for (const Screen& size : {kVt, k52x24, k20x5, Screen{40, 7}, Screen{40, 3}, Screen{40, 1}}) {
    State state = menu_of(many_items(60));
    for (const Kind kind : {Kind::Down, Kind::Up}) {
      for (int i = 0; i < 61; ++i) {
        const Frame frame = render(state, size);
        ASSERT_EQ(cell(frame, frame.cursor_row, 0).character, U'>');
        ASSERT_THAT(text_of(frame), HasSubstr(concat(state.selected + 1, " System")));
        state = press(std::move(state), {key(kind)}, size).state;
      }
    }
  }
}

TEST(Render, OfALongTextEveryLineCanBeRead) {
  State state = menu();
  for (int i = 0; i < 50; ++i) state.log.push_back(concat("line ", i, " of a text that is broken on a narrow screen"));
  state.log.emplace_back("the end");
  for (const Screen& size : {kVt, k20x5}) {
    State log = press(state, {key(U'l')}, size).state;
    EXPECT_THAT(screen(log, size), HasSubstr("the end"));
    log = press(std::move(log), {key(Kind::Home)}, size).state;
    std::string seen;
    for (int i = 0; i < 300; ++i) {
      seen += screen(log, size);
      log = press(std::move(log), {key(Kind::Down)}, size).state;
    }
    for (int i = 0; i < 50; ++i) EXPECT_THAT(seen, HasSubstr(concat("line ", i, " of")));
    EXPECT_THAT(seen, HasSubstr("the end"));
  }
}

TEST(Render, KeysAreOfferedWhereTheyAct) {
  const std::string with = screen(menu(), kVt);
  EXPECT_THAT(with, HasSubstr("x ephemeral"));
  EXPECT_THAT(with, HasSubstr("f firmware setup"));
  EXPECT_THAT(with, Not(HasSubstr("read-only"))) << "no item can";
  State state = menu_of(many_items(2));
  state.can_shell = state.can_firmware = false;
  state.items[1].can_read_only = true;
  const std::string without = screen(state, kVt);
  EXPECT_THAT(without, HasSubstr("v read-only"));
  EXPECT_THAT(without, Not(HasSubstr("ephemeral")));
  EXPECT_THAT(without, Not(HasSubstr("shell")));
  EXPECT_THAT(without, Not(HasSubstr("firmware")));
  EXPECT_THAT(screen(press(menu(), typed("2i")).state, kVt), Not(HasSubstr("Enter boot"))) << "of a refused one";
}

TEST(Render, HelpNamesTheKeysOfThePageItWasAskedOn) {
  EXPECT_THAT(screen(press(menu(), typed("?")).state, k128x48),
              HasSubstr(" x        starts the system so that nothing"));
  EXPECT_THAT(screen(press(with_failure(menu(), a_failure()), typed("h")).state, k128x48),
              HasSubstr(" c        goes to the list"));
}

TEST(Render, WhatIsForeignIsMadePrintable) {
  const State state = menu_of({{.id = "x", .title = "B\u00FCro \u4F1A\n\033[2J", .where = "\xFF"}});
  EXPECT_THAT(screen(state, kVt), HasSubstr("> 1 B?ro ???[2J  not yet looked at  ?"));
  EXPECT_THAT(screen(state, k128x48), HasSubstr("> 1 B\u00FCro ???[2J  not yet looked at  ?"));
}

TEST(Render, WhileDisksAppear) {
  State state = menu_of({});
  state.looking = true;
  EXPECT_THAT(screen(state, kVt), HasSubstr("Looking at the disks ..."));
  EXPECT_THAT(screen(state, kVt), Not(HasSubstr("What to do")));
}

TEST(Render, AnySizeWillDo) {
  const std::vector<State> states{menu(),
                                  counting_down(),
                                  menu_of({}),
                                  menu_of(many_items(300)),
                                  with_failure(menu(), a_failure()),
                                  press(menu(), typed("e")).state,
                                  press(menu(), typed("o")).state,
                                  press(menu(), typed("2i")).state,
                                  press(menu(), typed("/x")).state,
                                  press(menu(), typed("?")).state};
  for (std::size_t columns = 0; columns < 90; columns += 3)
    for (const std::size_t rows : {0, 1, 2, 3, 5, 11, 12, 30})
      for (const State& state : states) {
        const Frame frame = render(state, {columns, rows});
        ASSERT_EQ(frame.cells.size(), std::max<std::size_t>(columns, 1) * std::max<std::size_t>(rows, 1));
        ASSERT_LT(frame.cursor_row, frame.rows);
        ASSERT_LT(frame.cursor_column, frame.columns);
      }
}

}  // namespace
}  // namespace vhdboot::menu
