// SPDX-License-Identifier: GPL-2.0-or-later
// Text of limited length, kept in place: the stub has no allocator worth the name. Freestanding.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>

#include "base/utf.h"

namespace vhdboot::efi {

/// At most `Capacity` bytes of UTF-8. What does not fit any more is left out as a whole, and so is everything after it.
template <std::size_t Capacity>
class FixedText {
 public:
  constexpr FixedText() = default;

  /// The parts one after the other: text, characters, code points, and numbers in decimal.
  template <class... Parts>
    requires(sizeof...(Parts) > 0)
  explicit constexpr FixedText(const Parts&... parts) {
    (put(parts), ...);
  }

  constexpr void put(std::string_view text) {
    if (truncated_ || text.size() > Capacity - size_) {
      truncated_ = true;
      return;
    }
    for (const char c : text) chars_[size_++] = c;
  }
  constexpr void put(char c) { put(std::string_view(&c, 1)); }
  constexpr void put(char32_t code_point) { put(utf::Utf8(code_point).view()); }
  constexpr void put(std::unsigned_integral auto number) {
    std::array<char, 20> digits{};
    std::size_t at = digits.size();
    do digits[--at] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    put(std::string_view(digits.data() + at, digits.size() - at));
  }
  /// At least `digits` hexadecimal digits, from `alphabet`.
  constexpr void put_hex(std::uint64_t value, unsigned digits, std::string_view alphabet = kLowerDigits) {
    while (digits < 16 && value >> (4 * digits) != 0) ++digits;
    while (digits-- > 0) put(alphabet[value >> (4 * digits) & 15]);
  }

  [[nodiscard]] constexpr std::string_view view() const { return {chars_.data(), size_}; }
  [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
  [[nodiscard]] constexpr bool truncated() const { return truncated_; }

  static constexpr std::string_view kLowerDigits = "0123456789abcdef";
  static constexpr std::string_view kUpperDigits = "0123456789ABCDEF";

 private:
  std::array<char, Capacity> chars_{};
  std::size_t size_ = 0;
  bool truncated_ = false;
};

/// One sentence for a person.
using Sentence = FixedText<512>;

}  // namespace vhdboot::efi
