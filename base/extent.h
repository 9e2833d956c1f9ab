// SPDX-License-Identifier: GPL-2.0-or-later
// Where a piece of a file lies on its volume. Freestanding.
#pragma once

#include <cstdint>

namespace vhdboot {

/// `length` bytes of a file from byte `logical` on lie on the volume's partition from byte `physical` on.
struct Extent {
  std::uint64_t logical = 0;   ///< offset within the file
  std::uint64_t physical = 0;  ///< offset within the partition that holds the volume
  std::uint64_t length = 0;

  friend constexpr bool operator==(const Extent&, const Extent&) = default;
};

}  // namespace vhdboot
