// SPDX-License-Identifier: GPL-2.0-or-later
// Bounded access to foreign bytes. Freestanding: the EFI stub reads its own sections with it.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace vhdboot {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

[[nodiscard]] inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

[[nodiscard]] inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// `length` bytes from `offset`, or nothing when they do not all lie within `bytes`. No sum can overflow.
[[nodiscard]] constexpr std::optional<Bytes> slice(Bytes bytes, std::uint64_t offset, std::uint64_t length) {
  if (offset > bytes.size() || length > bytes.size() - offset) return std::nullopt;
  return bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
}

/// An unsigned integer at `offset`; nothing when it does not lie within `bytes`.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> load_le(Bytes bytes, std::uint64_t offset) {
  const auto field = slice(bytes, offset, sizeof(T));
  if (!field) return std::nullopt;
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    value = static_cast<T>((static_cast<std::uint64_t>(value) << 8) | std::to_integer<std::uint8_t>((*field)[i]));
  return value;
}

template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> load_be(Bytes bytes, std::uint64_t offset) {
  const auto field = slice(bytes, offset, sizeof(T));
  if (!field) return std::nullopt;
  T value = 0;
  for (const std::byte b : *field)
    value = static_cast<T>((static_cast<std::uint64_t>(value) << 8) | std::to_integer<std::uint8_t>(b));
  return value;
}

/// Writes an unsigned integer at `offset`; false, and nothing written, when it does not lie within `bytes`.
template <std::unsigned_integral T>
[[nodiscard]] constexpr bool store_le(MutableBytes bytes, std::size_t offset, T value) {
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) return false;
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes[offset + i] = static_cast<std::byte>(value >> (8 * i));
  return true;
}

template <std::unsigned_integral T>
[[nodiscard]] constexpr bool store_be(MutableBytes bytes, std::size_t offset, T value) {
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) return false;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes[offset + i] = static_cast<std::byte>(value >> (8 * (sizeof(T) - 1 - i)));
  return true;
}

}  // namespace vhdboot
