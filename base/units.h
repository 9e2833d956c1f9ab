// SPDX-License-Identifier: GPL-2.0-or-later
// Sizes that mean the same everywhere in vhdboot. Freestanding.
#pragma once

#include <cstdint>

namespace vhdboot {

/// "Sector" is always 512 bytes, whatever the disk's logical block is.
inline constexpr std::uint64_t kSectorSize = 512;
inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;
inline constexpr std::uint64_t kTiB = 1024 * kGiB;

/// Rounds `value` up to a multiple of `alignment`, a power of two. The caller keeps the sum within 64 bits.
[[nodiscard]] constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

/// Whether `a + b` does not fit 64 bits.
[[nodiscard]] constexpr bool sum_overflows(std::uint64_t a, std::uint64_t b) {
  return a > UINT64_MAX - b;
}

}  // namespace vhdboot
