// SPDX-License-Identifier: GPL-2.0-or-later
// UTF-16, the text of the firmware's structures and calls. Freestanding.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/utf.h"

namespace vhdboot::efi {

/// Little-endian UTF-16 of any alignment, up to its first NUL or to the end of `bytes`; an odd last byte is no
/// character.
class Utf16Reader {
 public:
  explicit constexpr Utf16Reader(Bytes bytes) : rest_(bytes) {}

  /// The next code point; nothing at the end. An unpaired surrogate reads as U+FFFD and is remembered.
  [[nodiscard]] constexpr std::optional<char32_t> next() {
    const auto first = load_le<std::uint16_t>(rest_, 0);
    if (!first || *first == 0) return std::nullopt;
    const std::array<char16_t, 2> units{static_cast<char16_t>(*first),
                                        static_cast<char16_t>(load_le<std::uint16_t>(rest_, 2).value_or(0))};
    const auto [value, length] = utf::decode_utf16({units.data(), units.size()});
    rest_ = rest_.subspan(2 * (length == 0 ? 1 : length));
    if (length == 0) malformed_ = true;
    return length == 0 ? utf::kReplacement : value;
  }

  [[nodiscard]] constexpr bool malformed() const { return malformed_; }

 private:
  Bytes rest_;
  bool malformed_ = false;
};

/// Calls `put(char16_t)` with each code unit of `text`, which is UTF-8; a malformed byte becomes U+FFFD. Never more
/// units than `text` has bytes.
template <class Put>
constexpr void for_each_utf16_unit(std::string_view text, const Put& put) {
  while (!text.empty()) {
    const auto [value, length] = utf::decode_utf8(text);
    const utf::Utf16 units(length == 0 ? utf::kReplacement : value);
    for (const char16_t unit : units.view()) put(unit);
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

/// Control characters (C0, DEL, C1), which have no place in a name or a line.
[[nodiscard]] constexpr bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

}  // namespace vhdboot::efi
