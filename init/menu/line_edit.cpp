// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/menu/line_edit.h"

#include <algorithm>

#include "base/text.h"
#include "base/utf.h"

namespace vhdboot::menu {
namespace {

using Kind = Key::Kind;

std::size_t after(std::string_view text, std::size_t at) {
  if (at >= text.size()) return text.size();
  return at + std::max<std::size_t>(utf::decode_utf8(text.substr(at)).length, 1);
}

std::size_t before(std::string_view text, std::size_t at) {
  for (std::size_t length = std::min<std::size_t>(at, 4); length > 1; --length)
    if (utf::decode_utf8(text.substr(at - length)).length == length) return at - length;
  return at == 0 ? 0 : at - 1;
}

std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at = after(text, at)) ++count;
  return count;
}

// Where the character number `index` begins.
std::size_t start_of(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; index > 0; --index) at = after(text, at);
  return at;
}

std::size_t word_before(std::string_view text, std::size_t at) {
  while (at > 0 && is_blank(text[at - 1])) --at;
  while (at > 0 && !is_blank(text[at - 1])) --at;
  return at;
}

std::size_t word_after(std::string_view text, std::size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  while (at < text.size() && !is_blank(text[at])) ++at;
  return at;
}

// What a key does: takes away the characters from `begin` to `end`, and puts the cursor at `to`.
struct Change {
  std::size_t to = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

Change change_of(const LineEdit& line, const Key& key) {
  const std::size_t at = line.cursor;
  const std::size_t end = line.text.size();
  switch (key.kind) {
    case Kind::Left:
      return {before(line.text, at)};
    case Kind::Right:
      return {after(line.text, at)};
    case Kind::WordLeft:
      return {word_before(line.text, at)};
    case Kind::WordRight:
      return {word_after(line.text, at)};
    case Kind::Home:
      return {0};
    case Kind::End:
      return {end};
    case Kind::Delete:
      return {at, at, after(line.text, at)};
    case Kind::Backspace:
      return {before(line.text, at), before(line.text, at), at};
    case Kind::Control:
      if (key.character == U'a') return {0};
      if (key.character == U'e') return {end};
      if (key.character == U'u') return {0, 0, at};
      if (key.character == U'k') return {at, at, end};
      if (key.character == U'w') return {word_before(line.text, at), word_before(line.text, at), at};
      return {at};
    default:
      return {at};
  }
}

}  // namespace

LineEdit line_of(std::string_view text) {
  return {std::string(text), text.size()};
}

LineEdit edit(LineEdit line, const Key& key) {
  if (key.kind == Kind::Character) {
    const utf::Utf8 bytes(key.character);
    if (line.text.size() + bytes.view().size() > kMaxLineBytes) return line;
    line.text.insert(line.cursor, bytes.view());
    line.cursor += bytes.view().size();
    return line;
  }
  const Change change = change_of(line, key);
  line.text.erase(change.begin, change.end - change.begin);
  line.cursor = change.to;
  return line;
}

LineWindow window(const LineEdit& line, std::size_t width) {
  const std::string_view text = line.text;
  const std::size_t cursor = characters(text.substr(0, line.cursor));
  const std::size_t length = cursor + characters(text.substr(line.cursor));
  const std::size_t step = width / 2;
  const std::size_t first = cursor + 1 < width ? 0 : ((cursor + 1 - width) / step + 1) * step;
  const std::size_t last = std::min(length, first + width);
  // The mark takes the place of the character there.
  const bool cut_before = first > 0;
  const bool cut_after = last < length;
  const std::size_t begin = start_of(text, first + (cut_before ? 1 : 0));
  const std::size_t end = start_of(text, last - (cut_after ? 1 : 0));
  return {concat(cut_before ? "<" : "", text.substr(begin, end - begin), cut_after ? ">" : ""), cursor - first};
}

}  // namespace vhdboot::menu
