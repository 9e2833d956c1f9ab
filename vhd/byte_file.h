// SPDX-License-Identifier: GPL-2.0-or-later
// A file that an operation may change: what the pure code of this folder writes through.
#pragma once

#include "base/byte_source.h"
#include "base/range.h"

namespace vhdboot::vhd {

/// size() changes only by this object's own write(), write_unflushed() and resize(). There are two ways to write:
/// write() for a few sectors whose order is all that counts, write_unflushed() and flush() for many that may share one
/// flush.
class ByteFile : public ByteSource {
 public:
  /// Puts all of `data` at `offset` and returns when it is on stable storage, so that a later write() never gets there
  /// first. A write from size() on makes the file longer; one that starts past size() is Invalid. After an error any
  /// part of `data` may be in the file.
  [[nodiscard]] virtual Result<void> write(std::uint64_t offset, Bytes data) = 0;

  /// Writes `data` at `offset` as write() does, but may return before it is on stable storage. Until the next flush()
  /// any sectors of what was written so since the last one may be there after a loss of power, in any order; reading
  /// gives them at once. Unless a file knows better it is a write(), which promises more.
  [[nodiscard]] virtual Result<void> write_unflushed(std::uint64_t offset, Bytes data) { return write(offset, data); }

  /// Returns when all of it is on stable storage. After an error any part of it may be.
  [[nodiscard]] virtual Result<void> flush() { return {}; }

  /// From this byte to `limit`, which is at most size(), the file is one hole; `limit` where there is none or nobody
  /// can tell. Cheap: it does not look through the file.
  [[nodiscard]] virtual std::uint64_t data_end(std::uint64_t limit) const { return limit; }

  /// Cuts the file off at `size` bytes, or extends it with zeros.
  [[nodiscard]] virtual Result<void> resize(std::uint64_t size) = 0;
};

/// Zeros over the whole range.
[[nodiscard]] Result<void> write_zeros(ByteFile& file, const Range& range);

}  // namespace vhdboot::vhd
