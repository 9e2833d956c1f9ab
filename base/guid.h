// SPDX-License-Identifier: GPL-2.0-or-later
// GUIDs as UEFI and GPT store them (mixed-endian, UEFI 2.10 appendix A) and as people write them. Freestanding.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace vhdboot {

struct Guid {
  std::array<std::byte, 16> bytes{};  ///< in on-disk order: the first three fields are little-endian

  friend constexpr bool operator==(const Guid&, const Guid&) = default;
  [[nodiscard]] constexpr bool is_zero() const { return *this == Guid{}; }
};

/// The 36 characters of the usual notation, lower case.
using GuidText = std::array<char, 36>;

namespace guid_detail {
/// Which byte each pair of digits names, in the order they are written.
inline constexpr std::array<std::uint8_t, 16> kOrder{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

constexpr bool dash_before(std::size_t pair) {
  return pair == 4 || pair == 6 || pair == 8 || pair == 10;
}

constexpr int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
}  // namespace guid_detail

/// Reads "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", any case; nothing for any other form.
[[nodiscard]] constexpr std::optional<Guid> parse_guid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Guid guid;
  std::size_t at = 0;
  for (std::size_t pair = 0; pair < 16; ++pair) {
    if (guid_detail::dash_before(pair) && text[at++] != '-') return std::nullopt;
    const int high = guid_detail::digit(text[at++]);
    const int low = guid_detail::digit(text[at++]);
    if (high < 0 || low < 0) return std::nullopt;
    guid.bytes[guid_detail::kOrder[pair]] = static_cast<std::byte>(high * 16 + low);
  }
  return guid;
}

[[nodiscard]] constexpr GuidText to_text(const Guid& guid) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  GuidText text{};
  std::size_t at = 0;
  for (std::size_t pair = 0; pair < 16; ++pair) {
    if (guid_detail::dash_before(pair)) text[at++] = '-';
    const auto value = std::to_integer<unsigned>(guid.bytes[guid_detail::kOrder[pair]]);
    text[at++] = kDigits[value >> 4];
    text[at++] = kDigits[value & 15];
  }
  return text;
}

/// The GUID stored at `offset` in on-disk order.
[[nodiscard]] constexpr std::optional<Guid> load_guid(Bytes bytes, std::uint64_t offset) {
  const auto field = slice(bytes, offset, 16);
  if (!field) return std::nullopt;
  Guid guid;
  for (std::size_t i = 0; i < 16; ++i) guid.bytes[i] = (*field)[i];
  return guid;
}

/// A GUID known at compile time: the program does not build when `text` is malformed.
consteval Guid operator""_guid(const char* text, std::size_t size) {
  return parse_guid({text, size}).value();
}

}  // namespace vhdboot
