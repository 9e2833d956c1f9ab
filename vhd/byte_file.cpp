// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/byte_file.h"

#include <algorithm>
#include <vector>

#include "base/units.h"

namespace vhdboot::vhd {

Result<void> write_zeros(ByteFile& file, const Range& range) {
  const std::vector<std::byte> zeros(static_cast<std::size_t>(std::min(range.length, kMiB)));
  for (std::uint64_t at = range.offset; at < range.end();) {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), range.end() - at));
    TRY(file.write_unflushed(at, Bytes(zeros).first(length)));
    at += length;
  }
  return {};
}

}  // namespace vhdboot::vhd
