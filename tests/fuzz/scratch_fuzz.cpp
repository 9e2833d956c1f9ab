// SPDX-License-Identifier: GPL-2.0-or-later
// Files that may be written over as a scratch file: those alone that begin with zeroes or with the store of a snapshot.
#include <algorithm>

#include "base/byte_source.h"
#include "base/bytes.h"
#include "base/range.h"
#include "init/blocks/writer.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  const Bytes bytes{reinterpret_cast<const std::byte*>(data), size};
  if (!blocks::check_scratch(MemorySource(bytes))) return 0;
  check(size > 0 && (is_zero(bytes.first(std::min<std::size_t>(size, 1 << 20))) || as_text(bytes).starts_with("SnAp")));
  return 0;
}
