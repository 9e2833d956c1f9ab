// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/pages.h"

#include <algorithm>

#include "base/text.h"
#include "init/menu/commands.h"

namespace vhdboot::menu {
namespace {

using Lines = std::vector<Line>;

// From so many rows on there is room for blank ones.
constexpr std::size_t kRoomyRows = 12;
// With fewer rows for lines there is none to say how many more there are.
constexpr std::size_t kMarkedRows = 3;
// A blank row and what there is to say about a line.
constexpr std::size_t kMostAbout = 5;

void add_texts(Lines& lines, std::string_view heading, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  lines.push_back({""});
  lines.push_back({std::string(heading)});
  for (const std::string& text : texts) lines.push_back({concat("  ", text)});
}

void add_places(Lines& lines, const State& state) {
  add_texts(lines, "Looked at:", state.looked_at);
  add_texts(lines, "Not looked at:", state.not_looked_at);
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split_lines(text)) lines.emplace_back(line);
  return lines;
}

Lines nothing_found(const State& state) {
  Lines lines{{state.looking ? "Looking at the disks ..." : "No system was found that could be started.", true}};
  add_places(lines, state);
  if (!state.looking) add_texts(lines, "What to do:", state.advice);
  return lines;
}

Lines details(const State& state) {
  const Item* item = selected_item(state);
  if (item == nullptr) return {};
  Lines lines{{item->title, true}};
  lines.push_back({concat("State: ", name(item->readiness))});
  if (!item->can_start()) {
    lines.push_back({why_not(*item), true});
    add_texts(lines, "What to do:", lines_of(item->cure));
  }
  lines.push_back({""});
  lines.push_back({concat("Image: ", item->where)});
  if (item->size != 0) lines.push_back({concat("Size: ", human_size(item->size))});
  if (const Entry* entry = entry_in_hand(state); entry != nullptr) {
    lines.push_back({concat("Starts: ", name_of({.title = entry->title}, entry))});
    lines.push_back({concat("Options: ", entry->options)});
  }
  if (item->can_forget) lines.push_back({"It can be started so that nothing is kept (x)."});
  if (item->can_read_only) lines.push_back({"It can be started read-only (v)."});
  for (const std::string& detail : item->details) lines.push_back({detail});
  if (!state.looked_at.empty() || !state.not_looked_at.empty()) {
    lines.push_back({""});
    lines.push_back({"A file that you expected is missing?"});
    add_places(lines, state);
  }
  return lines;
}

Lines failure(const State& state) {
  if (!state.failure) return {};
  Lines lines{{state.failure->sentence, true}, {""}};
  std::size_t number = 0;
  for (const Fact& fact : state.failure->facts)
    lines.push_back({concat(++number < 10 ? " " : "", number, ' ', fact.name, ": ", fact.value)});
  add_texts(lines, "What to do:", state.failure->what_to_do);
  return lines;
}

void add_offers(Lines& lines, const State& state, Page page) {
  for (const Offer& offer : offers(state, page)) {
    const std::size_t room = offer.key.size() < 8 ? 8 - offer.key.size() : 1;
    lines.push_back({concat(' ', offer.key, std::string(room, ' '), offer.sentence)});
  }
}

Lines help(const State& state) {
  // The page that was left for the help is the one to explain.
  const Page from = state.views.size() < 2 ? Page::List : state.views[state.views.size() - 2].page;
  Lines lines{{"Keys", true}};
  add_offers(lines, state, from);
  lines.push_back({""});
  lines.push_back({"While you edit options", true});
  add_offers(lines, state, Page::Edit);
  return lines;
}

// Words that are not to be parted, two blanks between them.
std::vector<std::string> filled(const std::vector<std::string>& words, std::size_t width) {
  std::vector<std::string> lines;
  for (const std::string& word : words) {
    if (!lines.empty() && width_of(lines.back()) + 3 + width_of(word) <= width)
      lines.back() += concat("   ", word);
    else
      lines.push_back(cut(word, width));
  }
  return lines;
}

}  // namespace

bool is_text(const State& state) {
  const Page page = state.page();
  return page != Page::Kernels && page != Page::Edit && (page != Page::List || state.items.empty());
}

std::vector<Line> page_text(const State& state) {
  switch (state.page()) {
    case Page::Details:
      return details(state);
    case Page::Log: {
      Lines lines;
      for (const std::string& line : state.log) lines.push_back({line});
      return lines;
    }
    case Page::Help:
      return help(state);
    case Page::Failure:
      return failure(state);
    default:
      return nothing_found(state);
  }
}

std::vector<Line> page_text(const State& state, const Screen& screen) {
  Lines lines;
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
  if (!state.notice.empty()) return state.notice;
  if (!state.countdown) return {};
  const auto found = std::ranges::find(state.items, state.default_item.value_or(""), &Item::id);
  const std::string_view title = found == state.items.end() ? "The menu" : std::string_view(found->title);
  return concat(title, found == state.items.end() ? " ends in " : " starts in ", *state.countdown,
                "; any key stops it");
}

std::vector<std::string> footer(const State& state) {
  if (state.page() == Page::List && state.find) return {"Enter take it", "Esc list all", "Up Down choose"};
  std::vector<std::string> words;
  for (const Offer& offer : offers(state, state.page()))
    if (!offer.word.empty()) words.push_back(concat(offer.key, ' ', offer.word));
  return words;
}

Layout layout(const State& state, const Screen& screen) {
  const std::size_t rows = std::clamp<std::size_t>(screen.rows, 1, kMaxRows);
  const std::size_t columns = std::min(screen.columns, kMaxColumns);
  const bool roomy = rows >= kRoomyRows;
  Layout layout;
  layout.header = roomy ? 2 : 0;
  // Nothing is written into the last cell, see with_text().
  layout.footer = filled(footer(state), columns > 1 ? columns - 1 : columns);
  const std::size_t most = std::max<std::size_t>(rows / 4, 1);
  if (layout.footer.size() > most) layout.footer.resize(most);
  if (rows < 2) layout.footer.clear();
  const std::string said = shown(status(state), screen.capability);
  if (!said.empty() && rows > 3) layout.status.push_back(cut(said, columns));
  // Where there is room it stays where it is, said or not.
  if (layout.status.empty() && roomy) layout.status.emplace_back();
  const std::size_t used = layout.header + layout.status.size() + layout.footer.size();
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
