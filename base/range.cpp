// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/range.h"

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

}  // namespace vhdboot
