// SPDX-License-Identifier: GPL-2.0-or-later
// What the pages say, without their places on a screen.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "init/menu/screen.h"
#include "init/menu/state.h"

namespace vhdboot::menu {

struct Line {
  std::string text;
  bool bold = false;
};

/// Whether the page is text to read: all but the kernels, the editor, and a list with something in it.
[[nodiscard]] bool is_text(const State& state);

/// The text of such a page, each paragraph one line of any length.
[[nodiscard]] std::vector<Line> page_text(const State& state);

/// The same, broken and made fit for a screen.
[[nodiscard]] std::vector<Line> page_text(const State& state, const Screen& screen);

/// "Debian GNU/Linux 12, kernel 6.1.0-50-amd64": what is started.
[[nodiscard]] std::string name_of(const Item& item, const Entry* entry);

/// One sentence on why an item cannot be started.
[[nodiscard]] std::string why_not(const Item& item);

/// What page Edit says above the line.
[[nodiscard]] std::string edit_heading(const State& state);

/// Above the footer: the notice, or that the countdown runs; empty when there is nothing to say.
[[nodiscard]] std::string status(const State& state);

/// The keys of the page in lines of at most `width` characters, or one key each.
[[nodiscard]] std::vector<std::string> footer(const State& state, std::size_t width);

/// How the rows of a screen are shared out.
struct Layout {
  std::size_t header = 0;           ///< rows, a blank one below included
  std::size_t body = 1;             ///< of a list its lines alone; at least 1
  std::size_t about = 0;            ///< below a list, for what there is to say about the selected line
  std::size_t status = 0;           ///< 1 or none
  std::vector<std::string> footer;  ///< when not all fits the last keys are left out
};
[[nodiscard]] Layout layout(const State& state, const Screen& screen);

/// The part of `count` lines that shows in `rows` rows with `top` as its first line, or as near to that as there are
/// lines; a row above and below says how many more there are.
struct Part {
  std::size_t top = 0;
  std::size_t count = 0;
  bool above = false;
  bool below = false;
};
[[nodiscard]] Part part_from(std::size_t top, std::size_t count, std::size_t rows);

/// The same with line `selected` in it, page by page: the lines stay where they are for as long as it can be.
[[nodiscard]] Part part_with(std::size_t selected, std::size_t count, std::size_t rows);

}  // namespace vhdboot::menu
