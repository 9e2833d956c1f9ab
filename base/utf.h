// SPDX-License-Identifier: GPL-2.0-or-later
// UTF-8 and UTF-16, one code point at a time (Unicode 15, chapter 3.9). Freestanding; text.h has the comfortable forms.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace vhdboot::utf {

/// Stands for what cannot be decoded.
inline constexpr char32_t kReplacement = U'\uFFFD';

struct Decoded {
  char32_t value = 0;
  std::size_t length = 0;  ///< code units that it takes, at least 1; 0: malformed

  friend constexpr bool operator==(const Decoded&, const Decoded&) = default;
};

[[nodiscard]] constexpr bool is_high_surrogate(char32_t unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
[[nodiscard]] constexpr bool is_low_surrogate(char32_t unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

/// The code point at the front of `text`; malformed also when `text` is empty. Table 3-7: neither overlong forms nor
/// surrogates.
[[nodiscard]] constexpr Decoded decode_utf8(std::string_view text) {
  if (text.empty()) return {};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto trail = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first >= 0xC2 && first <= 0xDF && trail(1)) return {(first & 0x1Fu) << 6 | (byte(1) & 0x3Fu), 2};
  if (first >= 0xE0 && first <= 0xEF && trail(1) && trail(2)) {
    const char32_t value = (first & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
    if (value >= 0x800 && !is_high_surrogate(value) && !is_low_surrogate(value)) return {value, 3};
  }
  if (first >= 0xF0 && first <= 0xF4 && trail(1) && trail(2) && trail(3)) {
    const char32_t value = (first & 0x07u) << 18 | (byte(1) & 0x3Fu) << 12 | (byte(2) & 0x3Fu) << 6 | (byte(3) & 0x3Fu);
    if (value >= 0x10000 && value <= 0x10FFFF) return {value, 4};
  }
  return {};
}

/// The code point at the front of `text`; malformed when that is an unpaired surrogate or `text` is empty.
[[nodiscard]] constexpr Decoded decode_utf16(std::u16string_view text) {
  if (text.empty()) return {};
  const char32_t unit = text[0];
  if (is_low_surrogate(unit)) return {};
  if (!is_high_surrogate(unit)) return {unit, 1};
  if (text.size() < 2 || !is_low_surrogate(text[1])) return {};
  return {0x10000 + ((unit - 0xD800) << 10) + (text[1] - 0xDC00u), 2};
}

/// The one to four bytes of a code point.
class Utf8 {
 public:
  /// `value` is a code point (at most U+10FFFF) that is no surrogate.
  explicit constexpr Utf8(char32_t value) {
    if (value < 0x80) {
      put(value);
    } else if (value < 0x800) {
      put(0xC0 | value >> 6);
      put(0x80 | (value & 0x3F));
    } else if (value < 0x10000) {
      put(0xE0 | value >> 12);
      put(0x80 | (value >> 6 & 0x3F));
      put(0x80 | (value & 0x3F));
    } else {
      put(0xF0 | value >> 18);
      put(0x80 | (value >> 12 & 0x3F));
      put(0x80 | (value >> 6 & 0x3F));
      put(0x80 | (value & 0x3F));
    }
  }
  [[nodiscard]] constexpr std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  constexpr void put(char32_t byte) { bytes_[size_++] = static_cast<char>(byte); }

  std::array<char, 4> bytes_{};
  std::size_t size_ = 0;
};

/// The one or two code units of a code point.
class Utf16 {
 public:
  /// `value` is a code point (at most U+10FFFF) that is no surrogate.
  explicit constexpr Utf16(char32_t value) {
    if (value < 0x10000) {
      units_[size_++] = static_cast<char16_t>(value);
    } else {
      units_[size_++] = static_cast<char16_t>(0xD800 + ((value - 0x10000) >> 10));
      units_[size_++] = static_cast<char16_t>(0xDC00 + ((value - 0x10000) & 0x3FF));
    }
  }
  [[nodiscard]] constexpr std::u16string_view view() const { return {units_.data(), size_}; }

 private:
  std::array<char16_t, 2> units_{};
  std::size_t size_ = 0;
};

}  // namespace vhdboot::utf
