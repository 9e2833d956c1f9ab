// SPDX-License-Identifier: GPL-2.0-or-later
// A screen full of characters, and what brings a terminal from one to the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "init/menu/screen.h"

namespace vhdboot::menu {

enum class Style : std::uint8_t {
  Plain,
  Bold,
  Reverse,
  Good,  ///< green, bad: red; on a terminal without colours plain
  Bad,
};

struct Cell {
  char32_t character = U' ';
  Style style = Style::Plain;

  friend bool operator==(const Cell&, const Cell&) = default;
};

struct Frame {
  std::size_t columns = 0;
  std::size_t rows = 0;
  std::vector<Cell> cells;  ///< row by row
  std::size_t cursor_row = 0;
  std::size_t cursor_column = 0;

  friend bool operator==(const Frame&, const Frame&) = default;
};

/// Of blanks; larger screens are cut to kMaxColumns and kMaxRows.
[[nodiscard]] Frame blank_frame(const Screen& screen);

/// The frame with `text`, which shown() has made, from a place on; what lies beyond its edges is left out.
[[nodiscard]] Frame with_text(Frame frame, std::size_t row, std::size_t column, std::string_view text, Style style);

/// The bytes that make a terminal that shows `before` show `now`, only what differs, and put its cursor where it
/// belongs. With Frame{} for `before`, or one of another size, the screen is cleared and drawn: at first, after anybody
/// else has written to the terminal, and when a person wants it (Ctrl-L).
[[nodiscard]] std::string draw(const Frame& before, const Frame& now, Capability capability);

}  // namespace vhdboot::menu
