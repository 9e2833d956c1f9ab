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

LineEdit erased(LineEdit line, std::size_t begin, std::size_t end) {
  line.text.erase(begin, end - begin);
  line.cursor = begin;
  return line;
}

LineEdit moved(LineEdit line, std::size_t to) {
  line.cursor = to;
  return line;
}

LineEdit inserted(LineEdit line, char32_t character) {
  const utf::Utf8 bytes(character);
  if (line.text.size() + bytes.view().size() > kMaxLineBytes) return line;
  line.text.insert(line.cursor, bytes.view());
  line.cursor += bytes.view().size();
  return line;
}

}  // namespace

LineEdit line_of(std::string_view text) {
  return {std::string(text), text.size()};
}

LineEdit edit(LineEdit line, const Key& key) {
  const std::size_t at = line.cursor;
  const std::size_t end = line.text.size();
  const std::string_view text = line.text;
  const std::size_t left = before(text, at);
  const std::size_t right = after(text, at);
  const std::size_t word_left = word_before(text, at);
  const std::size_t word_right = word_after(text, at);
  switch (key.kind) {
    case Kind::Character:
      return inserted(std::move(line), key.character);
    case Kind::Left:
      return moved(std::move(line), left);
    case Kind::Right:
      return moved(std::move(line), right);
    case Kind::WordLeft:
      return moved(std::move(line), word_left);
    case Kind::WordRight:
      return moved(std::move(line), word_right);
    case Kind::Home:
      return moved(std::move(line), 0);
    case Kind::End:
      return moved(std::move(line), end);
    case Kind::Delete:
      return erased(std::move(line), at, right);
    case Kind::Backspace:
      return erased(std::move(line), left, at);
    case Kind::Control:
      if (key.character == U'a') return moved(std::move(line), 0);
      if (key.character == U'e') return moved(std::move(line), end);
      if (key.character == U'u') return erased(std::move(line), 0, at);
      if (key.character == U'k') return erased(std::move(line), at, end);
      if (key.character == U'w') return erased(std::move(line), word_left, at);
      return line;
    default:
      return line;
  }
}

LineWindow window(const LineEdit& line, std::size_t width) {
  // Where each character begins.
  std::vector<std::size_t> starts;
  std::size_t cursor = 0;
  for (std::size_t at = 0; at < line.text.size(); at = after(line.text, at)) {
    if (at < line.cursor) ++cursor;
    starts.push_back(at);
  }
  const std::size_t length = starts.size();
  starts.push_back(line.text.size());

  const std::size_t step = width / 2;
  const std::size_t first = cursor + 1 < width ? 0 : ((cursor + 1 - width) / step + 1) * step;
  const std::size_t last = std::min(length, first + width);
  // The mark takes the place of the character there.
  const bool cut_before = first > 0;
  const bool cut_after = last < length;
  const std::size_t begin = starts[first + (cut_before ? 1 : 0)];
  const std::size_t end = starts[last - (cut_after ? 1 : 0)];
  const std::string_view shown = std::string_view(line.text).substr(begin, end - begin);
  return {concat(cut_before ? "<" : "", shown, cut_after ? ">" : ""), cursor - first};
}

}  // namespace vhdboot::menu
