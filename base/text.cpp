// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.h"

#include <array>
#include <charconv>

#include "base/utf.h"

namespace vhdboot {

void text_detail::Part::append_to(std::string& out) const {
  switch (kind_) {
    case Kind::Text:
      out.append(text_, value_);
      break;
    case Kind::Character:
      out += static_cast<char>(value_);
      break;
    case Kind::Number:
      out += std::to_string(value_);
      break;
    case Kind::Negative:
      out += std::to_string(static_cast<std::int64_t>(value_));
      break;
  }
}

std::string text_detail::join(std::initializer_list<Part> parts) {
  std::string out;
  for (const Part& part : parts) part.append_to(out);
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (std::size_t end; (end = text.find(separator)) != std::string_view::npos; text.remove_prefix(end + 1))
    pieces.push_back(text.substr(0, end));
  pieces.push_back(text);
  return pieces;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    std::size_t end = 0;
    while (end < text.size() && !is_blank(text[end])) ++end;
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  auto lines = split(text, '\n');
  if (lines.back().empty()) lines.pop_back();
  for (auto& line : lines)
    if (line.ends_with('\r')) line.remove_suffix(1);
  return lines;
}

std::optional<std::uint64_t> parse_u64(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string to_lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower_ascii(c);
  return out;
}

std::string to_upper_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_upper_ascii(c);
  return out;
}

std::string to_hex(std::uint64_t value, int digits) {
  std::string out(static_cast<std::size_t>(digits), '0');
  for (std::size_t i = out.size(); i-- > 0; value >>= 4) out[i] = "0123456789abcdef"[value & 15];
  return out;
}

std::optional<std::u16string> to_utf16(std::string_view text) {
  std::u16string out;
  while (!text.empty()) {
    const auto [value, length] = utf::decode_utf8(text);
    if (length == 0) return std::nullopt;
    out += utf::Utf16(value).view();
    text.remove_prefix(length);
  }
  return out;
}

std::string to_utf8(std::u16string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto [value, length] = utf::decode_utf16(text);
    out += utf::Utf8(length == 0 ? utf::kReplacement : value).view();
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string human_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return concat(bytes, " B");
  std::size_t unit = 0;
  std::uint64_t whole = bytes;
  std::uint64_t rest = 0;
  while (whole >= 1024 && unit + 1 < kUnits.size()) {
    rest = whole % 1024;
    whole /= 1024;
    ++unit;
  }
  const std::uint64_t tenth = rest * 10 / 1024;
  return tenth == 0 ? concat(whole, ' ', kUnits[unit]) : concat(whole, '.', tenth, ' ', kUnits[unit]);
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto [value, length] = utf::decode_utf8(text);
    const std::size_t step = length == 0 ? 1 : length;
    const bool control = value < 0x20 || (value >= 0x7F && value < 0xA0);
    if (length == 0 || control)
      out += '?';
    else
      out += text.substr(0, length);
    text.remove_prefix(step);
  }
  return out;
}

}  // namespace vhdboot
