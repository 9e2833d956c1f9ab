// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/plain.h"

#include <initializer_list>
#include <utility>

#include "base/text.h"
#include "base/utf.h"
#include "init/menu/commands.h"
#include "init/menu/keys.h"
#include "init/menu/pages.h"

namespace vhdboot::menu {
namespace {

using Kind = Key::Kind;

// Of no matter, but a page of text is moved by it.
constexpr Screen kScreen{.columns = 80, .rows = 24, .capability = Capability::Plain};

bool has_numbers(const State& state) {
  return state.page() == Page::Kernels || (state.page() == Page::List && !state.items.empty());
}

// Lines, each made printable by itself: what is foreign cannot begin one.
class Text {
 public:
  void add(std::initializer_list<std::string_view> parts) {
    std::string line;
    for (const std::string_view part : parts) line += part;
    text_ += shown(line, Capability::Plain);
    text_ += '\n';
  }
  void add_page(const State& state);
  void add_keys(const State& state);
  void add_list(const State& state);
  void add_kernels(const State& state);
  [[nodiscard]] std::string taken() { return std::move(text_); }

 private:
  std::string text_;
};

void Text::add_list(const State& state) {
  const auto listed = listed_items(state);
  if (listed.empty()) add({"  nothing matches"});
  for (const std::size_t i : listed) {
    const Item& item = state.items[i];
    add({i == state.selected ? "> " : "  ", std::to_string(i + 1), " ", item.title, ", ", name(item.readiness), ", ",
         item.size == 0 ? "" : concat(human_size(item.size), ", "), item.where});
  }
}

void Text::add_kernels(const State& state) {
  const Item* item = selected_item(state);
  if (item == nullptr) return;
  add({"Kernels of ", item->title});
  add({});
  for (std::size_t i = 0; i < item->entries.size(); ++i) {
    const Entry& entry = item->entries[i];
    add({i == state.view().at ? "> " : "  ", std::to_string(i + 1), " ", entry.title,
         entry.release.empty() ? "" : ", kernel ", entry.release});
    add({"    ", entry.options});
  }
}

void Text::add_page(const State& state) {
  if (state.page() == Page::Kernels) {
    add_kernels(state);
  } else if (state.page() == Page::Edit) {
    add({edit_heading(state)});
    add({});
    add({state.options.text});
  } else if (state.page() == Page::Help) {
    // Of the keys only those that can be typed in a line.
    add({"A number starts that one. A letter does this; with a number, as in i 2, for that one:"});
    const Page from = state.views.size() < 2 ? Page::List : state.views[state.views.size() - 2].page;
    for (const Offer& offer : all_offers())
      if (offer.word != nullptr && offer.key[1] == 0 && is_offered(offer, state, from))
        add({"  ", offer.key, "  ", offer.sentence});
    add({"  b  goes back"});
    add({"/ and a text lists what it is found in; Enter alone starts what > stands before."});
  } else if (is_text(state)) {
    for (const Line& line : page_text(state)) add({line.text});
  } else {
    add_list(state);
  }
}

void Text::add_keys(const State& state) {
  if (state.page() == Page::Edit)
    return add({"All options anew, then Enter. Enter alone keeps them; + before options adds them; . goes back."});
  std::string keys = has_numbers(state) ? "A number boots it. " : "";
  std::string_view between;
  for (const Offer& offer : all_offers()) {
    if (offer.word == nullptr || !is_offered(offer, state, state.page())) continue;
    keys += between;
    keys += offer.key == std::string_view("Esc") ? "b" : offer.key;
    keys += ' ';
    keys += offer.word;
    between = ", ";
  }
  add({keys});
}

// The state while one line changes it.
class Hand {
 public:
  explicit Hand(State state) : step_{std::move(state), {}} {}

  void take(std::string_view line);
  Step taken() { return std::move(step_); }

 private:
  void press(const Key& key) { step_ = update(std::move(step_.state), key, kScreen); }
  void press(Kind kind) { press(Key{.kind = kind}); }
  void type(std::string_view text);
  void say(std::string_view sentence) { step_.state.notice = sentence; }
  void edit(std::string_view line);
  void find(std::string_view line);
  void choose(std::string_view line);

  Step step_;
};

void Hand::type(std::string_view text) {
  while (!text.empty()) {
    const auto [value, length] = utf::decode_utf8(text);
    if (length != 0 && value >= U' ') press(Key{.character = value});
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

// New options in place of, or after, those that are in the line.
void Hand::edit(std::string_view line) {
  LineEdit& options = step_.state.options;
  if (line == ".") return press(Kind::Esc);
  if (line.starts_with('+')) {
    options.cursor = options.text.size();
    line = trim(line.substr(1));
    if (!options.text.empty() && !line.empty()) press(Key{.character = U' '});
  } else if (!line.empty()) {
    options = {};
  }
  type(line);
  press(Kind::Enter);
}

void Hand::find(std::string_view line) {
  type(line.substr(0, 1));
  if (!step_.state.find) return say("There is nothing to find here.");
  type(line.substr(1));
}

// A number, or a letter and a number.
void Hand::choose(std::string_view line) {
  State& state = step_.state;
  const bool letter = line[0] < '0' || line[0] > '9';
  const auto number = parse_u64(trim(line.substr(letter ? 1 : 0)));
  if (!number || !has_numbers(state)) return say("That is no letter and no number of this page.");
  const Item* item = selected_item(state);
  const bool of_kernels = state.page() == Page::Kernels;
  const std::size_t count = of_kernels && item != nullptr ? item->entries.size() : state.items.size();
  if (*number == 0 || *number > count) return say(concat("There is no number ", *number, '.'));
  (of_kernels ? state.views.back().at : state.selected) = static_cast<std::size_t>(*number) - 1;
  if (letter) return type(line.substr(0, 1));
  press(Kind::Enter);
}

void Hand::take(std::string_view line) {
  State& state = step_.state;
  if (state.page() == Page::Edit) return edit(line);
  state.touched = true;
  state.countdown.reset();
  state.notice.clear();
  state.find.reset();
  if (line.empty()) return press(Kind::Enter);
  if (line == "b") return press(Kind::Esc);
  if (line.starts_with('/')) return find(line);
  if (line.size() == 1 && (line[0] < '0' || line[0] > '9')) return type(line);
  choose(line);
}

}  // namespace

std::string render_plain(const State& state) {
  Text text;
  text.add({});
  text.add({state.version, state.volumes.empty() ? "" : ", ", state.volumes});
  text.add({});
  text.add_page(state);
  text.add({});
  if (const std::string said = status(state); !said.empty()) text.add({said});
  text.add_keys(state);
  return text.taken() + (state.page() == Page::Edit ? "Options: " : "Number or letter, then Enter: ");
}

Step update_plain(State state, std::string_view line) {
  Hand hand(std::move(state));
  hand.take(trim(line));
  return hand.taken();
}

}  // namespace vhdboot::menu
