// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/plain.h"

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

using Lines = std::vector<std::string>;

Lines list(const State& state) {
  Lines lines;
  for (const std::size_t i : listed_items(state)) {
    const Item& item = state.items[i];
    const std::string size = item.size == 0 ? "" : concat(", ", human_size(item.size));
    lines.push_back(concat(i == state.selected ? "> " : "  ", i + 1, ' ', item.title, ", ", name(item.readiness), size,
                           ", ", item.where));
  }
  if (lines.empty()) lines.emplace_back("  nothing matches");
  return lines;
}

Lines kernels(const State& state) {
  const Item* item = selected_item(state);
  if (item == nullptr) return {};
  Lines lines{concat("Kernels of ", item->title), ""};
  for (std::size_t i = 0; i < item->entries.size(); ++i) {
    const Entry& entry = item->entries[i];
    const std::string release = entry.release.empty() ? "" : concat(", kernel ", entry.release);
    lines.push_back(concat(i == state.view().at ? "> " : "  ", i + 1, ' ', entry.title, release));
    lines.push_back(concat("    ", entry.options));
  }
  return lines;
}

Lines page(const State& state) {
  if (state.page() == Page::Kernels) return kernels(state);
  if (state.page() == Page::Edit) return {edit_heading(state), "", state.options.text};
  if (!is_text(state)) return list(state);
  Lines lines;
  for (Line& line : page_text(state)) lines.push_back(std::move(line.text));
  return lines;
}

bool has_numbers(const State& state) {
  return state.page() == Page::Kernels || (state.page() == Page::List && !state.items.empty());
}

std::string keys(const State& state) {
  if (state.page() == Page::Edit)
    return "All options anew, then Enter. Enter alone keeps them; + before options adds them; . goes back.";
  std::string out = has_numbers(state) ? "a number boots it, a letter before it does this: i 2; " : "";
  std::string_view between;
  for (const Offer& offer : offers(state, state.page())) {
    if (offer.word.empty()) continue;
    out += concat(between, offer.key == "Esc" ? "b" : offer.key, ' ', offer.word);
    between = ", ";
  }
  return out;
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
  Lines lines{"", concat(state.version, state.volumes.empty() ? "" : ", ", state.volumes), ""};
  for (std::string& line : page(state)) lines.push_back(std::move(line));
  lines.emplace_back();
  if (std::string said = status(state); !said.empty()) lines.push_back(std::move(said));
  lines.push_back(keys(state));
  std::string out;
  for (const std::string& line : lines) out += concat(shown(line, Capability::Plain), '\n');
  return concat(out, state.page() == Page::Edit ? "Options: " : "Number or letter, then Enter: ");
}

Step update_plain(State state, std::string_view line) {
  Hand hand(std::move(state));
  hand.take(trim(line));
  return hand.taken();
}

}  // namespace vhdboot::menu
