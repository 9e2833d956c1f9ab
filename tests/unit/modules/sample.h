// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes to be compressed and read again.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace vhdboot::test {

/// Always the same, and in part of no order.
inline std::vector<std::byte> sample(std::size_t size) {
  std::mt19937 random(7);
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i % 97 < 60 ? i % 7 : random());
  return bytes;
}

}  // namespace vhdboot::test
