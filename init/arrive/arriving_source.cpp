// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/arriving_source.h"

#include <algorithm>

#include "base/text.h"

namespace vhdboot::arrive {

Result<void> ArrivingSource::read(std::uint64_t offset, MutableBytes out) const {
  if (offset > size() || out.size() > size() - offset) return fail(Code::Corrupt, "read past the end");
  if (out.empty()) return {};
  const std::uint64_t data = header_.data_blocks * kBlock;
  const std::uint64_t data_end = std::min(offset + out.size(), data);
  if (offset < data_end) {
    const std::uint64_t missing = map_.next(offset / kBlock, false);
    if (missing * kBlock < data_end)
      return fail(Code::Unsupported, concat("the bytes from ", missing * kBlock,
                                            " on have not arrived: bring the rest with `vhdtool fetch`"));
    const auto length = static_cast<std::size_t>(data_end - offset);
    TRY(file_.read(offset, out.first(length)));
    out = out.subspan(length);
    offset = data_end;
  }
  if (!out.empty()) std::ranges::copy(Bytes(header_.tail).subspan(offset - data, out.size()), out.begin());
  return {};
}

}  // namespace vhdboot::arrive
