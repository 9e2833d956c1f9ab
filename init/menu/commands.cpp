// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/commands.h"

#include <algorithm>

#include "base/text.h"

namespace vhdboot::menu {
namespace {

constexpr unsigned on(Page page) {
  return 1U << static_cast<unsigned>(page);
}
constexpr unsigned kList = on(Page::List);
constexpr unsigned kEdit = on(Page::Edit);
constexpr unsigned kFailure = on(Page::Failure);
constexpr unsigned kHelp = on(Page::Help);
constexpr unsigned kLog = on(Page::Log);
constexpr unsigned kOfItem = on(Page::Details) | on(Page::Kernels);
constexpr unsigned kReading = on(Page::Details) | kLog | kHelp;
constexpr unsigned kNoEdit = kList | kOfItem | kLog | kHelp | kFailure;

struct Row {
  Offer offer;
  unsigned pages;
};

constexpr Row kRows[] = {
    {{"Enter", "boot", "starts the system; shows why it cannot be started"}, kList | kOfItem},
    {{"Enter", "boot", "starts the system with these options, this once"}, kEdit},
    {{"t", "try again", "does once more what failed", Command::TryAgain}, kFailure},
    {{"c", "choose another image", "goes to the list", Command::ChooseAnother}, kFailure},
    {{"Esc", "back", "goes back to where you came from; Left does, too"}, kReading | kOfItem},
    {{"Esc", "back", "goes back and changes nothing"}, kEdit},
    {{"?", "help", "shows the keys; h does, too", Command::Help}, kNoEdit & ~kHelp},
    {{"Up Down", "", "choose; Page Up, Page Down, Home, End do, too"}, kList | on(Page::Kernels)},
    {{"Up Down", "", "move the text; Page Up, Page Down, Home, End do, too"}, kReading | kFailure},
    {{"1 2 3", "", "choose by number"}, kList | on(Page::Kernels)},
    {{"e", "edit options", "edits the kernel's options, for this once", Command::EditOptions}, kList | kOfItem},
    {{"o", "other kernels", "shows the kernels of the system", Command::OtherKernels}, kList | on(Page::Details)},
    {{"i", "details", "shows all about the system; Right does, too", Command::Details}, kList | on(Page::Kernels)},
    {{"/", "find", "looks for a name while you type it", Command::Find}, kList},
    {{"x", "ephemeral", "starts the system so that nothing is kept", Command::StartForgetting}, kList | kOfItem},
    {{"v", "read-only", "starts the system read-only", Command::StartReadOnly}, kList | kOfItem},
    {{"t", "look again", "looks at all disks again", Command::LookAgain}, kList | on(Page::Details)},
    {{"l", "log", "shows what was done so far", Command::Log}, kNoEdit & ~kLog},
    {{"s", "shell", "opens a shell", Command::Shell}, kNoEdit},
    {{"r", "restart", "restarts the machine at once", Command::Restart}, kNoEdit},
    {{"f", "firmware setup", "restarts into the firmware's setup", Command::Firmware}, kNoEdit},
    {{"p", "power off", "switches the machine off at once", Command::PowerOff}, kNoEdit},
    {{"Ctrl-A", "start", "goes to the start; Home does, too"}, kEdit},
    {{"Ctrl-E", "end", "goes to the end; End does, too"}, kEdit},
    {{"Ctrl-W", "erase word", "erases the word before the cursor"}, kEdit},
    {{"Ctrl-U", "erase before", "erases all before the cursor"}, kEdit},
    {{"Ctrl-K", "erase after", "erases all after the cursor"}, kEdit},
};

bool is_possible(const State& state, Command command) {
  switch (command) {
    case Command::StartForgetting:
      return std::ranges::any_of(state.items, &Item::can_forget);
    case Command::StartReadOnly:
      return std::ranges::any_of(state.items, &Item::can_read_only);
    case Command::Shell:
      return state.can_shell;
    case Command::Firmware:
      return state.can_firmware;
    case Command::EditOptions:
    case Command::OtherKernels:
    case Command::Details:
    case Command::Find:
      return !state.items.empty();
    default:
      return true;
  }
}

}  // namespace

std::vector<Offer> offers(const State& state, Page page) {
  std::vector<Offer> found;
  for (const Row& row : kRows) {
    const bool of_items = row.offer.command == Command::None && page == Page::List;
    if ((row.pages & on(page)) == 0 || !is_possible(state, row.offer.command)) continue;
    if (of_items && state.items.empty()) continue;
    found.push_back(row.offer);
  }
  return found;
}

Command command_of(const State& state, char32_t character) {
  if (character >= 0x80) return Command::None;
  const char letter = to_lower_ascii(static_cast<char>(character));
  const char key = letter == 'h' ? '?' : letter;
  for (const Offer& offer : offers(state, state.page()))
    if (offer.command != Command::None && offer.key[0] == key) return offer.command;
  return Command::None;
}

}  // namespace vhdboot::menu
