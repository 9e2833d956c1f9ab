// SPDX-License-Identifier: GPL-2.0-or-later
// A file that an operation may change: what the pure code of this folder writes through.
#pragma once

#include "base/byte_source.h"

namespace vhdboot::vhd {

/// size() changes only by this object's own write() and resize().
class ByteFile : public ByteSource {
 public:
  /// Puts all of `data` at `offset` and returns when it is on stable storage, so that a later write() never gets there
  /// first. A write from size() on makes the file longer; one that starts past size() is Invalid. After an error any
  /// part of `data` may be in the file.
  [[nodiscard]] virtual Result<void> write(std::uint64_t offset, Bytes data) = 0;

  /// From this byte to `limit`, which is at most size(), the file is one hole; `limit` where there is none or nobody
  /// can tell. Cheap: it does not look through the file.
  [[nodiscard]] virtual std::uint64_t data_end(std::uint64_t limit) const { return limit; }

  /// Cuts the file off at `size` bytes, or extends it with zeros.
  [[nodiscard]] virtual Result<void> resize(std::uint64_t size) = 0;
};

}  // namespace vhdboot::vhd
