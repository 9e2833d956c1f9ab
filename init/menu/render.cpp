// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/render.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "init/menu/pages.h"

namespace vhdboot::menu {
namespace {

// Of a title, a place and a narrow title that must stay for the next column to show.
constexpr std::size_t kTitleColumns = 24;
constexpr std::size_t kWhereColumns = 12;
constexpr std::size_t kNarrowTitle = 8;

std::size_t digits(std::size_t number) {
  return std::to_string(number).size();
}

// Appends `text` in exactly `width` columns, at their left or right side.
void add_left(std::string& row, std::string_view text, std::size_t width) {
  const std::string fitting = cut(text, width);
  row += fitting;
  row.append(width - width_of(fitting), ' ');
}
void add_right(std::string& row, std::string_view text, std::size_t width) {
  const std::string fitting = cut(text, width);
  row.append(width - width_of(fitting), ' ');
  row += fitting;
}

// The widths of the columns of the list, the same on each of its pages.
struct Columns {
  std::size_t number = 0;
  std::size_t title = 0;
  std::size_t state = 0;
  std::size_t size = 0;   // 0: does not show
  std::size_t where = 0;  // 0: does not show
  std::size_t gap = 2;
};

std::string size_text(const Item& item) {
  return item.size == 0 ? std::string() : human_size(item.size);
}

Columns columns_of(const State& state, std::size_t width, Capability capability) {
  Columns all{.number = digits(state.items.size())};
  for (const Item& item : state.items) {
    all.title = std::max(all.title, width_of(shown(item.title, capability)));
    all.state = std::max(all.state, name(item.readiness).size());
    all.size = std::max(all.size, size_text(item).size());
    all.where = std::max(all.where, width_of(shown(item.where, capability)));
  }
  const std::size_t before = 2 + all.number + 1;
  const std::size_t room = width > before ? width - before : 0;
  const std::size_t title = std::min(all.title, kTitleColumns);
  const std::size_t with_state = title + all.gap + all.state;
  const std::size_t with_size = with_state + (all.size == 0 ? 0 : all.gap + all.size);
  const std::size_t with_where = with_size + all.gap + std::min(all.where, kWhereColumns);
  if (room < with_where) all.where = 0;
  if (room < with_size) all.size = 0;
  if (room < with_state) {
    all.gap = 1;
    const std::size_t narrow = std::min({all.title, kNarrowTitle, room});
    all.state = std::min(all.state, room - std::min(room, narrow + all.gap));
  }
  const std::size_t others = all.gap + all.state + (all.size == 0 ? 0 : all.gap + all.size) +
                             (all.where == 0 ? 0 : all.gap + std::min(all.where, kWhereColumns));
  all.title = std::min(all.title, room - std::min(room, others));
  if (all.where != 0) {
    const std::size_t used = others - std::min(all.where, kWhereColumns) + all.title;
    all.where = std::min(all.where, room - used);
  }
  return all;
}

// The frame while it is filled, row by row from the top.
class Painter {
 public:
  Painter(const State& state, const Screen& screen)
      : state_(state),
        screen_(screen),
        layout_(layout(state, screen)),
        frame_(blank_frame(screen)),
        width_(frame_.columns) {}

  Frame painted() {
    header();
    const std::size_t body = row_;
    if (is_text(state_)) {
      text();
    } else if (state_.page() == Page::Edit) {
      editor();
    } else if (state_.page() == Page::Kernels) {
      kernels();
    } else {
      list();
    }
    row_ = body + layout_.body + layout_.about;
    if (state_.page() == Page::List && state_.find) {
      find();
    } else {
      if (layout_.status != 0) put(fit(status(state_)), Style::Bold);
    }
    for (const std::string& line : layout_.footer) put(line, Style::Plain);
    return std::move(frame_);
  }

 private:
  [[nodiscard]] std::string fit(std::string_view text) const { return shown(text, screen_.capability); }

  void put_at(std::size_t column, std::string_view text, Style style) {
    frame_ = with_text(std::move(frame_), row_, column, cut(text, width_ - std::min(width_, column)), style);
  }
  void put(std::string_view text, Style style) {
    put_at(0, text, style);
    ++row_;
  }
  void cursor_at(std::size_t column) {
    frame_.cursor_row = std::min(row_, frame_.rows - 1);
    frame_.cursor_column = std::min(column, width_ - 1);
  }

  void header() {
    if (layout_.header == 0) return;
    const std::string version = fit(state_.version);
    const std::string volumes = fit(state_.volumes);
    put_at(0, version, Style::Bold);
    const std::size_t before = width_of(version) + 2;
    if (before < width_) {
      std::string place;
      add_right(place, volumes, width_ - before);
      put_at(before, place, Style::Plain);
    }
    row_ += layout_.header;
  }

  void text() {
    const auto lines = page_text(state_, screen_);
    const Part part = part_from(state_.view().at, lines.size(), layout_.body);
    more_above(part);
    cursor_at(0);
    for (std::size_t i = part.top; i < part.top + part.count; ++i)
      put(lines[i].text, lines[i].bold ? Style::Bold : Style::Plain);
    more_below(part, lines.size());
  }

  void more_above(const Part& part) {
    if (part.above) put(concat("  ", part.top, " more above"), Style::Plain);
  }
  void more_below(const Part& part, std::size_t count) {
    if (part.below) put(concat("  ", count - part.top - part.count, " more below"), Style::Plain);
  }

  // "> 1 Title", or as much of it as `width` columns hold.
  std::string numbered(bool selected, std::size_t index, std::size_t digits, std::string_view title,
                       std::size_t width) const {
    std::string row = selected ? "> " : "  ";
    add_right(row, std::to_string(index + 1), digits);
    row += ' ';
    add_left(row, fit(title), width);
    return row;
  }

  void list_row(const Columns& columns, std::size_t index, bool selected) {
    const Item& item = state_.items[index];
    const Style style = selected ? Style::Reverse : Style::Plain;
    std::string row = numbered(selected, index, columns.number, item.title, columns.title);
    row.append(columns.gap, ' ');
    const std::size_t state = width_of(row);
    add_left(row, name(item.readiness), columns.state);
    if (columns.size != 0) {
      row.append(columns.gap, ' ');
      add_right(row, size_text(item), columns.size);
    }
    if (columns.where != 0) {
      row.append(columns.gap, ' ');
      row += cut(fit(item.where), columns.where);
    }
    put_at(0, row, style);
    if (selected) cursor_at(0);
    // The colour says once more what the word says.
    if (!selected && item.readiness == Readiness::Ready)
      put_at(state, cut(name(item.readiness), columns.state), Style::Good);
    if (!selected && item.readiness == Readiness::Refused)
      put_at(state, cut(name(item.readiness), columns.state), Style::Bad);
    ++row_;
  }

  // A few rows on the selected item below the list, where there is room.
  void about_selected() {
    const Item* item = selected_item(state_);
    if (item == nullptr || layout_.about < 2) return;
    const Entry* entry = entry_in_hand(state_);
    const bool starts = item->can_start();
    std::size_t left = layout_.about - 1;
    ++row_;
    left = about(starts ? name_of(*item, entry) : why_not(*item), left);
    if (starts && entry != nullptr) about(entry->options, left);
  }

  // The text in at most `most` rows; how many are left.
  std::size_t about(std::string_view text, std::size_t most) {
    if (text.empty()) return most;
    const auto lines = wrap(concat("   ", fit(text)), width_);
    for (const std::string& line : lines) {
      if (most == 0) break;
      // What is left out is on page Details.
      const bool cut_here = --most == 0 && &line != &lines.back();
      put(cut_here ? concat(cut(line, width_ - 1), '>') : line, Style::Plain);
    }
    return most;
  }

  void list() {
    const auto listed = listed_items(state_);
    if (listed.empty()) return put("  nothing matches", Style::Plain);
    const Columns columns = columns_of(state_, width_, screen_.capability);
    const auto here = std::ranges::lower_bound(listed, state_.selected);
    const std::size_t selected = here == listed.end() ? 0 : static_cast<std::size_t>(here - listed.begin());
    const Part part = part_with(selected, listed.size(), layout_.body);
    more_above(part);
    for (std::size_t i = part.top; i < part.top + part.count; ++i)
      list_row(columns, listed[i], listed[i] == state_.selected);
    more_below(part, listed.size());
    about_selected();
  }

  void kernels() {
    const Item* item = selected_item(state_);
    if (item == nullptr) return;
    const auto& entries = item->entries;
    const Part part = part_with(state_.view().at, entries.size(), layout_.body);
    more_above(part);
    for (std::size_t i = part.top; i < part.top + part.count; ++i) {
      const bool selected = i == state_.view().at;
      const Entry& entry = entries[i];
      const std::string title = concat(entry.title, entry.release.empty() ? "" : ", kernel ", entry.release);
      if (selected) cursor_at(0);
      put(numbered(selected, i, digits(entries.size()), title, width_of(fit(title))),
          selected ? Style::Reverse : Style::Plain);
    }
    more_below(part, entries.size());
    about_selected();
  }

  void editor() {
    // The line itself must stay in view.
    auto heading = wrap(fit(edit_heading(state_)), width_);
    const std::size_t most = layout_.body - 1;
    if (heading.size() > most) heading.resize(most);
    for (const std::string& line : heading) put(line, Style::Plain);
    line_edit("", state_.options);
  }

  void find() { line_edit("Find: ", *state_.find); }

  void line_edit(std::string_view label, const LineEdit& line) {
    if (width_ < label.size() + 4) return;
    const LineWindow part = window(line, width_ - label.size());
    cursor_at(label.size() + part.cursor);
    put(concat(label, fit(part.text)), Style::Bold);
  }

  const State& state_;
  const Screen& screen_;
  Layout layout_;
  Frame frame_;
  std::size_t width_;
  std::size_t row_ = 0;
};

}  // namespace

Frame render(const State& state, const Screen& screen) {
  return Painter(state, screen).painted();
}

}  // namespace vhdboot::menu
