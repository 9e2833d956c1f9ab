// SPDX-License-Identifier: GPL-2.0-or-later
// The nodes of a UEFI device path (UEFI 2.10, chapter 10). Freestanding.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace vhdboot::device_path {

inline constexpr std::size_t kNodeHeaderSize = 4;

/// Types (10.3).
inline constexpr std::uint8_t kHardware = 0x01;
inline constexpr std::uint8_t kAcpi = 0x02;
inline constexpr std::uint8_t kMessaging = 0x03;
inline constexpr std::uint8_t kMedia = 0x04;
inline constexpr std::uint8_t kEnd = 0x7F;

[[nodiscard]] constexpr std::uint8_t type_of(std::byte field) {
  return std::to_integer<std::uint8_t>(field) & 0x7F;  // EFI 1.0 set the top bit in the end node
}

struct Node {
  std::uint8_t type = 0;
  std::uint8_t subtype = 0;
  Bytes data;  ///< what follows the four bytes of type, subtype and length
};

/// The nodes of a path one after the other, up to its end node, to the end of the bytes or to a malformed node.
class Reader {
 public:
  explicit constexpr Reader(Bytes path) : rest_(path) {}

  [[nodiscard]] constexpr std::optional<Node> next() {
    const auto header = slice(rest_, 0, kNodeHeaderSize);
    if (!header || type_of((*header)[0]) == kEnd) return std::nullopt;
    const std::size_t length = *load_le<std::uint16_t>(*header, 2);
    if (length < kNodeHeaderSize || length > rest_.size()) return std::nullopt;
    const Node node{type_of((*header)[0]), std::to_integer<std::uint8_t>((*header)[1]),
                    rest_.subspan(kNodeHeaderSize, length - kNodeHeaderSize)};
    rest_ = rest_.subspan(length);
    return node;
  }

 private:
  Bytes rest_;
};

}  // namespace vhdboot::device_path
