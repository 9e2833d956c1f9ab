// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/screen.h"

#include <algorithm>

#include "base/text.h"
#include "base/utf.h"

namespace vhdboot::menu {
namespace {

constexpr std::size_t kFontColumns = 100;
constexpr std::size_t kFontRows = 25;

// Latin letters; those that a font has not are shown as one '?' by the kernel. Wide, combining and invisible characters
// are all beyond them, but for the soft hyphen.
bool is_one_column(char32_t value, Capability capability) {
  if (value < 0x80) return true;
  return capability == Capability::Linux && value > 0xA0 && value != 0xAD && value < 0x250;
}

// How many bytes the first `count` characters take.
std::size_t bytes_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; count > 0 && at < text.size(); --count)
    at += std::max<std::size_t>(utf::decode_utf8(text.substr(at)).length, 1);
  return at;
}

}  // namespace

const char* font_for(std::size_t width, std::size_t height) {
  const auto leaves_room = [&](std::size_t font_width, std::size_t font_height) {
    return width / font_width >= kFontColumns && height / font_height >= kFontRows;
  };
  if (leaves_room(16, 32)) return "TER16x32";
  return leaves_room(12, 22) ? "SUN12x22" : "VGA8x16";
}

std::string shown(std::string_view text, Capability capability) {
  std::string spaced(text);
  std::ranges::replace(spaced, '\t', ' ');
  std::string all = printable(spaced);
  if (capability == Capability::Plain) return all;
  std::string out;
  for (std::string_view rest = all; !rest.empty();) {
    const auto [value, length] = utf::decode_utf8(rest);
    if (is_one_column(value, capability))
      out += rest.substr(0, length);
    else
      out += '?';
    rest.remove_prefix(length);
  }
  return out;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string cut(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return std::string(text);
  return width == 0 ? std::string() : concat(text.substr(0, bytes_of(text, width - 1)), '>');
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  width = std::max<std::size_t>(width, 1);
  if (width_of(text) <= width) return {std::string(text)};
  const std::size_t blanks = std::min(text.find_first_not_of(' '), text.size());
  // On a narrow screen the words are worth more.
  const std::size_t indent = blanks + 2 < width / 2 ? blanks : 0;
  std::vector<std::string> lines{std::string(indent, ' ')};
  bool empty = true;
  const auto next_line = [&] {
    lines.emplace_back(indent + (width > 4 ? 2 : 0), ' ');
    empty = true;
  };
  for (std::string_view word : split_words(text)) {
    if (!empty && width_of(lines.back()) + 1 + width_of(word) > width) next_line();
    if (!empty) lines.back() += ' ';
    while (width_of(lines.back()) + width_of(word) > width) {
      const std::size_t part = bytes_of(word, width - width_of(lines.back()));
      lines.back() += word.substr(0, part);
      word.remove_prefix(part);
      next_line();
    }
    lines.back() += word;
    empty = false;
  }
  return lines;
}

}  // namespace vhdboot::menu
