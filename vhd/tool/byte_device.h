// SPDX-License-Identifier: GPL-2.0-or-later
// What holds a volume and can be written: a device, a file, memory.
#pragma once

#include "base/byte_source.h"

namespace vhdboot::tool {

class ByteDevice : public ByteSource {
 public:
  /// Writes all of `data` at `offset`. Io on a device error; Corrupt when the range does not lie within size().
  [[nodiscard]] virtual Result<void> write(std::uint64_t offset, Bytes data) = 0;

  /// What was written is on stable storage then. Until then a loss of power may keep any part of it.
  [[nodiscard]] virtual Result<void> sync() = 0;
};

}  // namespace vhdboot::tool
