// SPDX-License-Identifier: GPL-2.0-or-later
// What a terminal can show, and text made fit for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vhdboot::menu {

enum class Capability : std::uint8_t {
  Linux,  ///< a virtual terminal of the kernel: colours, the letters of its built-in fonts
  Vt,     ///< some terminal at the end of a line: bold and reverse, ASCII
  Plain,  ///< no cursor movement: what is printed stays; see plain.h
};

struct Screen {
  std::size_t columns = 80;
  std::size_t rows = 24;
  Capability capability = Capability::Vt;
};

/// More than that of a screen stays empty, whatever a terminal says of itself.
inline constexpr std::size_t kMaxColumns = 400;
inline constexpr std::size_t kMaxRows = 120;

/// The name of the largest font built into the boot kernel that leaves 100 columns and 25 rows on a frame buffer of
/// that many pixels; the smallest when none does.
[[nodiscard]] const char* font_for(std::size_t width, std::size_t height);

/// `text` as the terminal can show it: printable, and unless `capability` is Plain each character one column wide; '?'
/// for every other one. All text of a frame goes through this once.
[[nodiscard]] std::string shown(std::string_view text, Capability capability);

/// The characters of valid UTF-8; of what shown() gives for a screen these are its columns.
[[nodiscard]] std::size_t width_of(std::string_view text);

/// At most `width` characters of `text`; where it is cut the last one is '>'.
[[nodiscard]] std::string cut(std::string_view text, std::size_t width);

/// `text` in lines of at most `width` characters, broken between words; a longer word is broken inside. Blanks before
/// the first word come before each line, two more after the first one; elsewhere a broken line has single blanks.
[[nodiscard]] std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace vhdboot::menu
