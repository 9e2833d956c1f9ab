// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/pages.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/text.h"
#include "init/menu/commands.h"

namespace vhdboot::menu {
namespace {

// From so many rows on there is room for blank ones.
constexpr std::size_t kRoomyRows = 12;
// With fewer rows for lines there is none to say how many more there are.
constexpr std::size_t kMarkedRows = 3;
// A blank row and what there is to say about a line.
constexpr std::size_t kMostAbout = 5;

// Paragraphs, one after the other.
class Text {
 public:
  void add(std::initializer_list<std::string_view> parts, bool bold = false) {
    Line& line = lines_.emplace_back();
    for (const std::string_view part : parts) line.text += part;
    line.bold = bold;
  }
  void blank() { add({}); }
  void add_list(std::string_view heading, const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    blank();
    add({heading});
    for (const std::string& text : texts) add({"  ", text});
  }
  void add_places(const State& state) {
    add_list("Looked at:", state.looked_at);
    add_list("Not looked at:", state.not_looked_at);
  }
  void add_offers(const State& state, Page page) {
    for (const Offer& offer : all_offers()) {
      if (!is_offered(offer, state, page)) continue;
      const std::string_view key = offer.key;
      add({" ", key, std::string_view("         ").substr(std::min<std::size_t>(key.size(), 8)), offer.sentence});
    }
  }
  [[nodiscard]] std::vector<Line> taken() { return std::move(lines_); }

 private:
  std::vector<Line> lines_;
};

void add_nothing_found(Text& text, const State& state) {
  text.add({state.looking ? "Looking at the disks ..." : "No system was found that could be started."}, true);
  text.add_places(state);
  if (!state.looking) text.add_list("What to do:", state.advice);
}

void add_details(Text& text, const State& state) {
  const Item* item = selected_item(state);
  if (item == nullptr) return;
  text.add({item->title}, true);
  text.add({"State: ", name(item->readiness)});
  if (!item->can_start()) {
    text.add({why_not(*item)}, true);
    std::string_view heading = "What to do:";
    for (const std::string_view line : split_lines(item->cure)) {
      if (!heading.empty()) text.add({std::exchange(heading, {})});
      text.add({"  ", line});
    }
  }
  text.blank();
  text.add({"Image: ", item->where});
  if (item->size != 0) text.add({"Size: ", human_size(item->size)});
  if (const Entry* entry = entry_in_hand(state); entry != nullptr) {
    text.add({"Starts: ", entry->title, entry->release.empty() ? "" : ", kernel ", entry->release});
    text.add({"Options: ", entry->options});
  }
  if (item->can_forget) text.add({"It can be started so that nothing is kept (x)."});
  if (item->can_read_only) text.add({"It can be started read-only (v)."});
  if (!item->rolls_back_to.empty()) text.add({"It can be rolled back to ", item->rolls_back_to, " (u)."});
  for (const std::string& detail : item->details) text.add({detail});
  if (state.looked_at.empty() && state.not_looked_at.empty()) return;
  text.blank();
  text.add({"A file that you expected is missing?"}, true);
  text.add_places(state);
}

void add_roll_back(Text& text, const State& state) {
  const Item* item = selected_item(state);
  if (item == nullptr) return;
  text.add({"Roll ", item->title, " back?"}, true);
  text.blank();
  text.add({"Image: ", item->where});
  text.add(
      {"It will read as ", item->rolls_back_to, " again. All that was written to it since then is lost, for good."});
  text.blank();
  text.add({"y does it. Esc goes back, and nothing is changed."});
}

void add_failure(Text& text, const State& state) {
  if (!state.failure) return;
  text.add({state.failure->sentence}, true);
  text.blank();
  unsigned number = 0;
  for (const Fact& fact : state.failure->facts)
    text.add({++number < 10 ? " " : "", std::to_string(number), " ", fact.name, ": ", fact.value});
  text.add_list("What to do:", state.failure->what_to_do);
}

void add_help(Text& text, const State& state) {
  // The page that was left for the help is the one to explain.
  const std::size_t open = state.views.size();
  text.add({"Keys"}, true);
  text.add_offers(state, open < 2 ? Page::List : state.views[open - 2].page);
  text.blank();
  text.add({"While you edit options"}, true);
  text.add_offers(state, Page::Edit);
}

void add_log(Text& text, const State& state) {
  if (state.log.empty()) text.add({"Nothing yet."});
  for (const std::string& line : state.log) text.add({line});
}

}  // namespace

bool is_text(const State& state) {
  const Page page = state.page();
  return page != Page::Kernels && page != Page::Edit && (page != Page::List || state.items.empty());
}

std::vector<Line> page_text(const State& state) {
  Text text;
  switch (state.page()) {
    case Page::Details:
      add_details(text, state);
      break;
    case Page::RollBack:
      add_roll_back(text, state);
      break;
    case Page::Log:
      add_log(text, state);
      break;
    case Page::Help:
      add_help(text, state);
      break;
    case Page::Failure:
      add_failure(text, state);
      break;
    default:
      add_nothing_found(text, state);
  }
  return text.taken();
}

std::vector<Line> page_text(const State& state, const Screen& screen) {
  std::vector<Line> lines;
  for (const Line& line : page_text(state))
    for (std::string& part : wrap(shown(line.text, screen.capability), std::min(screen.columns, kMaxColumns)))
      lines.push_back({std::move(part), line.bold});
  return lines;
}

std::string name_of(const Item& item, const Entry* entry) {
  if (entry == nullptr || entry->release.empty()) return item.title;
  return concat(item.title, ", kernel ", entry->release);
}

std::string why_not(const Item& item) {
  if (!item.reason.empty()) return concat("It is not started: ", item.reason);
  return item.readiness == Readiness::Foreign ? "It is not started: it does not start by vhdboot."
                                              : "It is not started.";
}

std::string edit_heading(const State& state) {
  const Item* item = selected_item(state);
  if (item == nullptr) return {};
  return concat("Options of ", name_of(*item, entry_in_hand(state)), ", for this once:");
}

std::string status(const State& state) {
  if (!state.notice.empty() || !state.countdown) return state.notice;
  for (const Item& item : state.items)
    if (item.id == state.default_item)
      return concat("Starts in ", *state.countdown, ", any key stops it: ", item.title);
  return concat("Starts the default in ", *state.countdown, ", any key stops it");
}

std::vector<std::string> footer(const State& state, std::size_t width) {
  std::vector<std::string> lines;
  const auto add = [&](std::string_view key, std::string_view word) {
    const std::size_t needed = key.size() + 1 + word.size();
    if (lines.empty() || lines.back().size() + 3 + needed > width)
      lines.emplace_back();
    else
      lines.back() += "   ";
    lines.back() += key;
    lines.back() += ' ';
    lines.back() += word;
  };
  const Page page = state.page();
  if (page == Page::List && state.find) {
    add("Enter", "take it");
    add("Esc", "list all");
    return lines;
  }
  for (const Offer& offer : all_offers())
    if (offer.word != nullptr && is_offered(offer, state, page)) add(offer.key, offer.word);
  return lines;
}

Layout layout(const State& state, const Screen& screen) {
  const std::size_t rows = std::clamp<std::size_t>(screen.rows, 1, kMaxRows);
  const bool roomy = rows >= kRoomyRows;
  Layout layout;
  layout.header = roomy ? 2 : 0;
  // Nothing is written into the last cell, see with_text().
  layout.footer = footer(state, std::clamp<std::size_t>(screen.columns, 1, kMaxColumns) - 1);
  const std::size_t most = rows < 2 ? 0 : std::max<std::size_t>(rows / 4, 1);
  while (layout.footer.size() > most) layout.footer.pop_back();
  // Where there is room it has its row, with something to say or not.
  layout.status = roomy || (rows > 3 && !status(state).empty()) ? 1 : 0;
  const std::size_t used = layout.header + layout.status + layout.footer.size();
  layout.body = rows > used ? rows - used : 1;
  if (roomy && !is_text(state) && state.page() != Page::Edit) {
    layout.about = std::min(kMostAbout, layout.body / 4);
    layout.body -= layout.about;
  }
  return layout;
}

Part part_from(std::size_t top, std::size_t count, std::size_t rows) {
  if (count <= rows) return {.top = 0, .count = count};
  if (rows < kMarkedRows) {
    // Each row is needed for what there is.
    return {.top = std::min(top, count - rows), .count = rows};
  }
  top = std::min(top, count - (rows - 1));
  Part part{.top = top, .above = top > 0};
  const std::size_t room = rows - (part.above ? 1 : 0);
  part.below = top + room < count;
  part.count = room - (part.below ? 1 : 0);
  return part;
}

Part part_with(std::size_t selected, std::size_t count, std::size_t rows) {
  const std::size_t page = rows < kMarkedRows ? std::max<std::size_t>(rows, 1) : rows - 2;
  return part_from(selected / page * page, count, rows);
}

}  // namespace vhdboot::menu
