// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/update.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "init/menu/commands.h"
#include "init/menu/pages.h"

namespace vhdboot::menu {
namespace {

using Kind = Key::Kind;

// Where a key leads from `at` among `count`; nothing when it is no key that moves.
std::optional<std::size_t> moved(std::size_t at, std::size_t count, std::size_t page, Kind kind) {
  const std::size_t last = count == 0 ? 0 : count - 1;
  switch (kind) {
    case Kind::Up:
      return at - std::min<std::size_t>(at, 1);
    case Kind::Down:
      return std::min(at + 1, last);
    case Kind::PageUp:
      return at - std::min(at, page);
    case Kind::PageDown:
      return std::min(at + page, last);
    case Kind::Home:
      return 0;
    case Kind::End:
      return last;
    default:
      return std::nullopt;
  }
}

bool moves(Kind kind) {
  return moved(0, 1, 1, kind).has_value();
}

// The state while one key changes it.
class Hand {
 public:
  Hand(State state, const Screen& screen) : state_(std::move(state)), screen_(screen) {}

  Action press(const Key& key);
  State taken() { return std::move(state_); }

 private:
  Action say(std::string_view sentence) {
    state_.notice = sentence;
    return {};
  }
  Action open(Page page);
  Action back();
  Action start(Boot boot);
  Action start_selected(Mode mode);
  Action start_in_mode(bool possible, Mode mode);
  Action edit_options();
  Action obey(Command command);
  Action move(Kind kind);
  Action digit(std::size_t before, std::size_t digit);
  Action key_of_edit(const Key& key);
  Action key_of_find(const Key& key);

  State state_;
  const Screen& screen_;
};

// A page that is open already is gone back to, so that there are never more than there are kinds.
Action Hand::open(Page page) {
  const auto same = std::ranges::find(state_.views, page, &View::page);
  if (same == state_.views.end()) state_.views.push_back({.page = page});
  while (state_.page() != page) state_.views.pop_back();
  return {};
}

Action Hand::back() {
  if (state_.views.size() > 1) state_.views.pop_back();
  return {};
}

Action Hand::start(Boot boot) {
  const Item* item = selected_item(state_);
  if (item == nullptr) return {};
  const bool forgets = item->readiness == Readiness::Refused && item->can_forget && boot.mode == Mode::Forget;
  const bool may_start = item->can_start() || forgets;
  if (!may_start) return state_.page() == Page::Details ? say("It is not started: see above.") : open(Page::Details);
  if (boot.entry && std::ranges::find(item->entries, *boot.entry, &Entry::id) == item->entries.end()) {
    (void)back();
    return say("That kernel is no longer there.");
  }
  boot.item = item->id;
  return {.kind = Action::Kind::Boot, .boot = std::move(boot)};
}

// As it is chosen: an entry only when somebody has chosen one.
Action Hand::start_selected(Mode mode) {
  Boot boot{.mode = mode};
  const Entry* entry = entry_in_hand(state_);
  const bool chosen = std::ranges::find(state_.views, Page::Kernels, &View::page) != state_.views.end();
  if (chosen && entry != nullptr) boot.entry = entry->id;
  return start(std::move(boot));
}

Action Hand::start_in_mode(bool possible, Mode mode) {
  return possible ? start_selected(mode) : say("This image cannot be started like that.");
}

Action Hand::edit_options() {
  const Item* item = selected_item(state_);
  if (item == nullptr || !item->can_start()) return start({});
  const Entry* entry = entry_in_hand(state_);
  if (entry == nullptr) return say("Its kernels are not known yet.");
  state_.options = line_of(entry->options);
  state_.edited_entry = entry->id;
  return open(Page::Edit);
}

Action Hand::obey(Command command) {
  const Item* item = selected_item(state_);
  switch (command) {
    case Command::None:
      return {};
    case Command::Help:
      return open(Page::Help);
    case Command::TryAgain:
      return {.kind = Action::Kind::TryAgain};
    case Command::ChooseAnother:
      return open(Page::List);
    case Command::EditOptions:
      return edit_options();
    case Command::OtherKernels:
      return item == nullptr || item->entries.empty() ? say("Its kernels are not known yet.") : open(Page::Kernels);
    case Command::Details:
      return open(Page::Details);
    case Command::Find:
      state_.find = LineEdit{};
      return {};
    case Command::StartForgetting:
      return start_in_mode(item != nullptr && item->can_forget, Mode::Forget);
    case Command::StartReadOnly:
      return start_in_mode(item != nullptr && item->can_read_only, Mode::ReadOnly);
    case Command::RollBack:
      if (item == nullptr || item->rolls_back_to.empty())
        return say("There is nothing that this image can be rolled back to.");
      return open(Page::RollBack);
    case Command::ConfirmRollBack:
      if (item == nullptr || item->rolls_back_to.empty()) return back();
      return {.kind = Action::Kind::RollBack, .boot = {}, .item = item->id};
    case Command::LookAgain:
      return {.kind = Action::Kind::LookAgain};
    case Command::Log:
      (void)open(Page::Log);
      // The newest lines are those that matter.
      return move(Kind::End);
    case Command::Shell:
      return {.kind = Action::Kind::Shell};
    case Command::Restart:
      return {.kind = Action::Kind::Restart};
    case Command::Firmware:
      return {.kind = Action::Kind::Firmware};
    case Command::PowerOff:
      return {.kind = Action::Kind::PowerOff};
  }
  return {};
}

Action Hand::move(Kind kind) {
  const std::size_t body = layout(state_, screen_).body;
  const std::size_t page = body > 3 ? body - 2 : 1;
  View& view = state_.views.back();
  const auto to = [&](std::size_t at, std::size_t count) { return moved(at, count, page, kind).value_or(at); };
  if (is_text(state_)) {
    const std::size_t lines = page_text(state_, screen_).size();
    // From where it is shown, which may be before where it was asked to be.
    view.at = part_from(to(part_from(view.at, lines, body).top, lines), lines, body).top;
  } else if (view.page == Page::Kernels) {
    const Item* item = selected_item(state_);
    view.at = to(view.at, item == nullptr ? 0 : item->entries.size());
  } else {
    const auto listed = listed_items(state_);
    const auto here = std::ranges::lower_bound(listed, state_.selected);
    if (!listed.empty()) state_.selected = listed[to(static_cast<std::size_t>(here - listed.begin()), listed.size())];
  }
  return {};
}

// A number is a choice from its first digit on; the next one makes it longer for as long as there are so many.
Action Hand::digit(std::size_t before, std::size_t digit) {
  const Item* item = selected_item(state_);
  const bool kernels = state_.page() == Page::Kernels;
  if (item == nullptr || (!kernels && state_.page() != Page::List)) return {};
  const std::size_t count = kernels ? item->entries.size() : state_.items.size();
  std::size_t number = before * 10 + digit;
  if (number > count) number = digit;
  if (number == 0) return {};
  if (number > count) return say(concat("There is no number ", number, '.'));
  (kernels ? state_.views.back().at : state_.selected) = number - 1;
  state_.number = number * 10 <= count ? number : 0;
  return {};
}

Action Hand::key_of_edit(const Key& key) {
  if (key.kind == Kind::Esc) return back();
  if (key.kind == Kind::Enter) return start({.entry = state_.edited_entry, .options = state_.options.text});
  state_.options = edit(std::move(state_.options), key);
  return {};
}

Action Hand::key_of_find(const Key& key) {
  if (key.kind == Kind::Esc || key.kind == Kind::Enter) {
    state_.find.reset();
    return {};
  }
  if (moves(key.kind)) return move(key.kind);
  state_.find = edit(*std::move(state_.find), key);
  const auto listed = listed_items(state_);
  if (!listed.empty() && !std::ranges::binary_search(listed, state_.selected)) state_.selected = listed.front();
  return {};
}

Action Hand::press(const Key& key) {
  state_.touched = true;
  state_.countdown.reset();
  state_.notice.clear();
  const std::size_t number = std::exchange(state_.number, 0);
  const Page page = state_.page();
  if (page == Page::Edit) return key_of_edit(key);
  if (page == Page::List && state_.find) return key_of_find(key);
  if (moves(key.kind)) return move(key.kind);
  switch (key.kind) {
    case Kind::Character:
      if (key.character >= U'0' && key.character <= U'9') return digit(number, key.character - U'0');
      return obey(command_of(state_, key.character));
    case Kind::Enter:
      if (page == Page::List || page == Page::Details || page == Page::Kernels) return start_selected(Mode::Normal);
      return {};
    case Kind::Esc:
    case Kind::Left:
      return back();
    case Kind::Right:
      return page == Page::List && !state_.items.empty() ? open(Page::Details) : Action{};
    default:
      return {};
  }
}

}  // namespace

Step update(State state, const Key& key, const Screen& screen) {
  if (key.kind == Kind::CursorReport) return {std::move(state), {}};
  Hand hand(std::move(state), screen);
  Action action = hand.press(key);
  return {hand.taken(), std::move(action)};
}

Action timeout(const State& state) {
  const auto found = std::ranges::find(state.items, state.default_item.value_or(""), &Item::id);
  if (state.failure || !state.default_item || found == state.items.end() || found->readiness != Readiness::Ready)
    return {};
  return {.kind = Action::Kind::Boot, .boot = {.item = found->id}};
}

}  // namespace vhdboot::menu
