// SPDX-License-Identifier: GPL-2.0-or-later
// A line of text that a person edits: kernel options, what to find.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "init/menu/keys.h"

namespace vhdboot::menu {

/// No key makes a line longer than this.
inline constexpr std::size_t kMaxLineBytes = 8 * 1024;

struct LineEdit {
  std::string text;        ///< UTF-8; a byte that is none counts as a character, and stays what it is
  std::size_t cursor = 0;  ///< in bytes, before a character or at the end

  friend bool operator==(const LineEdit&, const LineEdit&) = default;
};

/// The text with the cursor at its end.
[[nodiscard]] LineEdit line_of(std::string_view text);

/// The line after a key: characters, Left, Right, by words, Home, End, Delete, Backspace, Ctrl-A, E, U, K, W. All other
/// keys change nothing.
[[nodiscard]] LineEdit edit(LineEdit line, const Key& key);

/// The part of a line that shows, with '<' and '>' where it is cut.
struct LineWindow {
  std::string text;        ///< at most `width` characters
  std::size_t cursor = 0;  ///< in characters from the start of `text`, below `width`
};

/// `width` is at least 4. The part moves in steps of half a width, so that most keys change little on a screen.
[[nodiscard]] LineWindow window(const LineEdit& line, std::size_t width);

}  // namespace vhdboot::menu
