// SPDX-License-Identifier: GPL-2.0-or-later
// CRC-32 (IEEE 802.3, as GPT uses it: UEFI 2.10, 5.3.2) and CRC-32C (Castagnoli, RFC 3720 B.4, as VHDX uses it).
// Freestanding.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace vhdboot {

namespace crc32_detail {
/// `polynomial` with its bits reversed, as both CRCs are computed.
consteval std::array<std::uint32_t, 256> make_table(std::uint32_t polynomial) {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? polynomial : 0);
    table[i] = value;
  }
  return table;
}
inline constexpr auto kTable = make_table(0xEDB88320u);
inline constexpr auto kCastagnoliTable = make_table(0x82F63B78u);

constexpr std::uint32_t crc(const std::array<std::uint32_t, 256>& table, Bytes bytes, std::uint32_t previous) {
  std::uint32_t value = ~previous;
  for (const std::byte b : bytes) value = (value >> 8) ^ table[(value ^ std::to_integer<std::uint32_t>(b)) & 0xFF];
  return ~value;
}
}  // namespace crc32_detail

/// The CRC of `bytes`; `previous` continues the CRC of what came before.
[[nodiscard]] constexpr std::uint32_t crc32(Bytes bytes, std::uint32_t previous = 0) {
  return crc32_detail::crc(crc32_detail::kTable, bytes, previous);
}

/// The same with the polynomial of Castagnoli.
[[nodiscard]] constexpr std::uint32_t crc32c(Bytes bytes, std::uint32_t previous = 0) {
  return crc32_detail::crc(crc32_detail::kCastagnoliTable, bytes, previous);
}

}  // namespace vhdboot
