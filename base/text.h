// SPDX-License-Identifier: GPL-2.0-or-later
// Small text tools: what the standard library of the compiler at hand lacks.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ascii.h"

namespace vhdboot {

namespace text_detail {
// What concat() is given, as one type: there are a thousand calls, and a function for each kind of call was a tenth of
// the code that makes them.
class Part {
 public:
  explicit constexpr Part(const char* text) : Part(std::string_view(text)) {}
  explicit constexpr Part(const std::string& text) : Part(std::string_view(text)) {}
  explicit constexpr Part(std::string_view text) : text_(text.data()), value_(text.size()) {}
  explicit constexpr Part(char character) : value_(static_cast<unsigned char>(character)), kind_(Kind::Character) {}
  template <std::integral T>
  explicit constexpr Part(T number)
      : value_(static_cast<std::uint64_t>(number)), kind_(number < T{} ? Kind::Negative : Kind::Number) {}

  void append_to(std::string& out) const;

 private:
  enum class Kind : std::uint8_t { Text, Character, Number, Negative };

  const char* text_ = nullptr;
  std::uint64_t value_;  // the length of a text
  Kind kind_ = Kind::Text;
};

[[nodiscard]] std::string join(std::initializer_list<Part> parts);
}  // namespace text_detail

/// concat("sector ", 7, " of ", path): the parts one after the other; integers in decimal.
template <class... Parts>
[[nodiscard]] std::string concat(const Parts&... parts) {
  return text_detail::join({text_detail::Part(parts)...});
}

[[nodiscard]] constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// `text` without blanks (space, tab, CR, LF) at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);

/// The pieces between `separator`s, empty ones included.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// The words between runs of blanks; never an empty one.
[[nodiscard]] std::vector<std::string_view> split_words(std::string_view text);

/// The lines of `text` without their ends (LF or CRLF); a last line needs no end.
[[nodiscard]] std::vector<std::string_view> split_lines(std::string_view text);

/// All of `text` as an unsigned number in `base` (8, 10 or 16, no prefix); nothing on any other character or overflow.
[[nodiscard]] std::optional<std::uint64_t> parse_u64(std::string_view text, int base = 10);

/// ASCII letters in lower or upper case; every other byte unchanged.
[[nodiscard]] std::string to_lower_ascii(std::string_view text);
[[nodiscard]] std::string to_upper_ascii(std::string_view text);

/// Lower-case hexadecimal with exactly `digits` digits.
[[nodiscard]] std::string to_hex(std::uint64_t value, int digits);

/// UTF-16 from UTF-8; nothing when `text` is not valid UTF-8.
[[nodiscard]] std::optional<std::u16string> to_utf16(std::string_view text);

/// UTF-8 from UTF-16; an unpaired surrogate becomes U+FFFD.
[[nodiscard]] std::string to_utf8(std::u16string_view text);

/// A size for people: "512 B", "1.5 GiB".
[[nodiscard]] std::string human_size(std::uint64_t bytes);

/// `text` fit for a terminal: control characters and invalid UTF-8 become '?'. For names that came from a disk.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace vhdboot
