// SPDX-License-Identifier: GPL-2.0-or-later
// A part of a file, in bytes: a kernel or an initrd within its file is named, not copied. And which parts are zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/result.h"

namespace vhdboot {

struct Range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  [[nodiscard]] constexpr bool empty() const { return length == 0; }
  /// Of a range whose sum fits 64 bits.
  [[nodiscard]] constexpr std::uint64_t end() const { return offset + length; }
  friend constexpr bool operator==(const Range&, const Range&) = default;
};

/// All bytes of `range`. Corrupt when it does not lie within `source`, NoMemory when it is longer than `cap`;
/// `what` names it in the error.
[[nodiscard]] Result<std::vector<std::byte>> read_range(const ByteSource& source, Range range, std::uint64_t cap,
                                                        std::string_view what);

[[nodiscard]] bool is_zero(Bytes bytes);

/// The blocks of `block` bytes in `data`, which lies at `offset` of a file, that are zeros throughout; neighbours
/// merged. The last block may be shorter.
[[nodiscard]] std::vector<Range> zero_runs(Bytes data, std::uint64_t offset, std::size_t block);

}  // namespace vhdboot
