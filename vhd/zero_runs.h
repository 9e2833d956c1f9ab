// SPDX-License-Identifier: GPL-2.0-or-later
// Pieces of a file, and which of them hold nothing but zeros.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace vhdboot::vhd {

/// Bytes [offset, offset + length) of a file.
struct Range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  [[nodiscard]] constexpr std::uint64_t end() const { return offset + length; }
  friend constexpr bool operator==(const Range&, const Range&) = default;
};

[[nodiscard]] bool is_zero(Bytes bytes);

/// The blocks of `block` bytes in `data`, which lies at `offset` of a file, that are zeros throughout; neighbours
/// merged. The last block may be shorter.
[[nodiscard]] std::vector<Range> zero_runs(Bytes data, std::uint64_t offset, std::size_t block);

}  // namespace vhdboot::vhd
