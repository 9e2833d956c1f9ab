// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/range.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace vhdboot {

Result<std::vector<std::byte>> read_range(const ByteSource& source, Range range, std::uint64_t cap,
                                          std::string_view what) {
  if (range.offset > source.size() || range.length > source.size() - range.offset)
    return fail(Code::Corrupt, concat(what, " lies outside the file"));
  if (range.length > cap)
    return fail(Code::NoMemory,
                concat(what, " has ", human_size(range.length), ", at most ", human_size(cap), " are accepted"));
  std::vector<std::byte> bytes(static_cast<std::size_t>(range.length));
  TRY_IN(concat("reading ", what), source.read(range.offset, bytes));
  return bytes;
}

bool is_zero(Bytes bytes) {
  // Equal to itself one byte further on, and the first byte is zero.
  return bytes.empty() ||
         (bytes.front() == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

std::vector<Range> zero_runs(Bytes data, std::uint64_t offset, std::size_t block) {
  std::vector<Range> runs;
  for (std::size_t at = 0; at < data.size(); at += block) {
    const std::size_t length = std::min(block, data.size() - at);
    if (!is_zero(data.subspan(at, length))) continue;
    if (!runs.empty() && runs.back().end() == offset + at)
      runs.back().length += length;
    else
      runs.push_back({offset + at, length});
  }
  return runs;
}

}  // namespace vhdboot
