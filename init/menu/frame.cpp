// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/frame.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/utf.h"

namespace vhdboot::menu {
namespace {

// Of each style; bold red is readable on black, red is not.
std::string_view rendition(Style style, Capability capability) {
  const bool colours = capability == Capability::Linux;
  switch (style) {
    case Style::Plain:
      return "\x1B[0m";
    case Style::Bold:
      return "\x1B[0;1m";
    case Style::Reverse:
      return "\x1B[0;7m";
    case Style::Good:
      return colours ? "\x1B[0;32m" : "\x1B[0m";
    case Style::Bad:
      return colours ? "\x1B[0;1;31m" : "\x1B[0m";
  }
  return "";
}

// So many equal cells are cheaper to write again than to jump over.
constexpr std::size_t kCheapGap = 6;

// The terminal as it is known to be while it is written to.
class Pen {
 public:
  explicit Pen(Capability capability) : capability_(capability) {}

  void put(std::string_view bytes) { out_ += bytes; }
  void go(std::size_t row, std::size_t column) { out_ += concat("\x1B[", row + 1, ';', column + 1, 'H'); }
  void use(Style style) {
    const std::string_view wanted = rendition(style, capability_);
    if (wanted != std::exchange(rendition_, wanted)) out_ += wanted;
  }
  void write(const Cell& cell) {
    use(cell.style);
    out_ += utf::Utf8(cell.character).view();
  }
  [[nodiscard]] std::string take() { return std::move(out_); }
  [[nodiscard]] bool empty() const { return out_.empty(); }

 private:
  Capability capability_;
  std::string out_;
  std::string_view rendition_ = rendition(Style::Plain, Capability::Vt);
};

using Row = const Cell*;

void draw_row(Pen& pen, Row before, Row now, std::size_t row, std::size_t columns) {
  // From there on all is blank.
  std::size_t end = columns;
  while (end > 0 && now[end - 1] == Cell{}) --end;
  std::size_t last = columns;
  while (last > 0 && now[last - 1] == before[last - 1]) --last;
  const bool erase = last > end + 3;
  const std::size_t stop = erase ? end : last;

  std::size_t at = columns;  // where the cursor is in this row; `columns`: elsewhere
  for (std::size_t i = 0; i < stop; ++i) {
    if (now[i] == before[i]) continue;
    if (at == columns || i - at > kCheapGap) {
      pen.go(row, i);
    } else {
      for (; at < i; ++at) pen.write(now[at]);
    }
    pen.write(now[i]);
    at = i + 1;
  }
  if (!erase) return;
  if (at != end || at == columns) pen.go(row, end);
  pen.use(Style::Plain);
  pen.put("\x1B[K");
}

}  // namespace

Frame blank_frame(const Screen& screen) {
  Frame frame;
  frame.columns = std::clamp<std::size_t>(screen.columns, 1, kMaxColumns);
  frame.rows = std::clamp<std::size_t>(screen.rows, 1, kMaxRows);
  frame.cells.resize(frame.columns * frame.rows);
  return frame;
}

Frame with_text(Frame frame, std::size_t row, std::size_t column, std::string_view text, Style style) {
  if (row >= frame.rows) return frame;
  // The last cell of a screen stays empty: some terminals scroll when it is written.
  const std::size_t end = frame.columns - (row + 1 == frame.rows ? 1 : 0);
  while (!text.empty() && column < end) {
    const auto [value, length] = utf::decode_utf8(text);
    if (length == 0) break;
    frame.cells[row * frame.columns + column++] = {value, style};
    text.remove_prefix(length);
  }
  return frame;
}

std::string draw(const Frame& before, const Frame& now, Capability capability) {
  Pen pen(capability);
  const bool anew = before.columns != now.columns || before.rows != now.rows;
  if (anew) pen.put("\x1B[0m\x1B[H\x1B[2J");
  const std::vector<Cell> blank(anew ? now.cells.size() : 0);
  const Row old_cells = anew ? blank.data() : before.cells.data();
  for (std::size_t row = 0; row < now.rows; ++row) {
    const std::size_t start = row * now.columns;
    draw_row(pen, old_cells + start, now.cells.data() + start, row, now.columns);
  }
  const bool moved = before.cursor_row != now.cursor_row || before.cursor_column != now.cursor_column;
  if (pen.empty() && !moved) return {};
  pen.use(Style::Plain);
  pen.go(now.cursor_row, now.cursor_column);
  return pen.take();
}

}  // namespace vhdboot::menu
