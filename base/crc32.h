// SPDX-License-Identifier: GPL-2.0-or-later
// CRC-32 (IEEE 802.3, as GPT uses it: UEFI 2.10, 5.3.2). Freestanding.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace vhdboot {

namespace crc32_detail {
consteval std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0xEDB88320u : 0);
    table[i] = value;
  }
  return table;
}
inline constexpr auto kTable = make_table();
}  // namespace crc32_detail

/// The CRC of `bytes`; `previous` continues the CRC of what came before.
[[nodiscard]] constexpr std::uint32_t crc32(Bytes bytes, std::uint32_t previous = 0) {
  std::uint32_t value = ~previous;
  for (const std::byte b : bytes)
    value = (value >> 8) ^ crc32_detail::kTable[(value ^ std::to_integer<std::uint32_t>(b)) & 0xFF];
  return ~value;
}

}  // namespace vhdboot
