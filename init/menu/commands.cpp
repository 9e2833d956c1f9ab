// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/commands.h"

#include <algorithm>
#include <string_view>

#include "base/ascii.h"

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
constexpr unsigned kRollBack = on(Page::RollBack);
constexpr unsigned kOfItem = on(Page::Details) | on(Page::Kernels);
constexpr unsigned kReading = on(Page::Details) | kRollBack | kLog | kHelp;
constexpr unsigned kNoEdit = kList | kOfItem | kRollBack | kLog | kHelp | kFailure;

constexpr Offer kOffers[] = {
    {"Enter", "boot", "starts the system, or shows why it cannot be started", kList | kOfItem},
    {"Enter", "boot", "starts the system with these options, this once", kEdit},
    {"t", "try again", "does once more what failed", kFailure, Command::TryAgain},
    {"c", "choose another image", "goes to the list", kFailure, Command::ChooseAnother},
    {"y", "roll it back", "takes back what was written, for good", kRollBack, Command::ConfirmRollBack},
    {"Esc", "back", "goes back to where you came from", kReading | kOfItem},
    {"Esc", "back", "goes back and changes nothing", kEdit},
    {"?", "help", "shows the keys", kNoEdit & ~kHelp, Command::Help},
    {"Up Down", nullptr, "choose, as do Page Up, Page Down, Home and End", kList | on(Page::Kernels)},
    {"Up Down", nullptr, "move the text, as do Page Up, Page Down, Home and End", kReading | kFailure},
    {"1 2 3", nullptr, "choose by number", kList | on(Page::Kernels)},
    {"Right", nullptr, "shows the details, Left goes back", kList},
    {"e", "edit options", "edits the kernel's options, for this once", kList | kOfItem, Command::EditOptions},
    {"o", "other kernels", "shows the kernels of the system", kList | on(Page::Details), Command::OtherKernels},
    {"i", "details", "shows all about the system", kList | on(Page::Kernels), Command::Details},
    {"/", "find", "looks for a name while you type it", kList, Command::Find},
    {"x", "ephemeral", "starts the system so that nothing is kept", kList | kOfItem, Command::StartForgetting},
    {"v", "read-only", "starts the system read-only", kList | kOfItem, Command::StartReadOnly},
    {"u", "roll back", "takes back what was written since the last snapshot", kList | kOfItem, Command::RollBack},
    {"t", "look again", "looks at all disks again", kList | on(Page::Details), Command::LookAgain},
    {"l", "log", "shows what was done so far", kNoEdit & ~kLog, Command::Log},
    {"s", "shell", "opens a shell", kNoEdit, Command::Shell},
    {"r", "restart", "restarts the machine at once", kNoEdit, Command::Restart},
    {"f", "firmware setup", "restarts into the firmware's setup", kNoEdit, Command::Firmware},
    {"p", "power off", "switches the machine off at once", kNoEdit, Command::PowerOff},
    {"Ctrl-A", "start", "goes to the start, as does Home", kEdit},
    {"Ctrl-E", "end", "goes to the end, as does End", kEdit},
    {"Ctrl-W", "erase word", "erases the word before the cursor", kEdit},
    {"Ctrl-U", "erase before", "erases all before the cursor", kEdit},
    {"Ctrl-K", "erase after", "erases all after the cursor", kEdit},
};

bool starts(const Offer& offer) {
  return offer.key == std::string_view("Enter") || offer.command == Command::EditOptions ||
         offer.command == Command::StartForgetting || offer.command == Command::StartReadOnly;
}

// On page List: whether it is about what is listed there.
bool needs_items(const Offer& offer) {
  return starts(offer) || offer.command == Command::None || offer.command == Command::OtherKernels ||
         offer.command == Command::Details || offer.command == Command::Find || offer.command == Command::RollBack;
}

bool is_possible(const State& state, Command command) {
  switch (command) {
    case Command::StartForgetting:
      return std::ranges::any_of(state.items, &Item::can_forget);
    case Command::StartReadOnly:
      return std::ranges::any_of(state.items, &Item::can_read_only);
    case Command::RollBack:
      return std::ranges::any_of(state.items, [](const Item& item) { return !item.rolls_back_to.empty(); });
    case Command::Shell:
      return state.can_shell;
    case Command::Firmware:
      return state.can_firmware;
    default:
      return true;
  }
}

}  // namespace

std::span<const Offer> all_offers() {
  return kOffers;
}

bool is_offered(const Offer& offer, const State& state, Page page) {
  if ((offer.pages & on(page)) == 0 || !is_possible(state, offer.command)) return false;
  if (page == Page::List) return !state.items.empty() || !needs_items(offer);
  const Item* item = selected_item(state);
  const bool of_item = page == Page::Details || page == Page::Kernels;
  return !of_item || !starts(offer) || (item != nullptr && item->can_start());
}

Command command_of(const State& state, char32_t character) {
  if (character >= 0x80) return Command::None;
  const char letter = to_lower_ascii(static_cast<char>(character));
  const char key = letter == 'h' ? '?' : letter;
  for (const Offer& offer : kOffers)
    if (offer.key[0] == key && offer.command != Command::None && is_offered(offer, state, state.page()))
      return offer.command;
  return Command::None;
}

}  // namespace vhdboot::menu
