// SPDX-License-Identifier: GPL-2.0-or-later
// An image that is not all there, to be read: what is missing is an error and no zeros, and its end is what it will be.
#pragma once

#include "base/byte_source.h"
#include "init/arrive/block_map.h"

namespace vhdboot::arrive {

class ArrivingSource final : public ByteSource {
 public:
  /// `file` has the size that the header says; it and the bits of `map` are borrowed.
  ArrivingSource(const ByteSource& file, const BlockMap& map, const MapHeader& header)
      : file_(file), map_(map), header_(header) {}

  [[nodiscard]] std::uint64_t size() const override { return header_.size(); }
  /// Unsupported, with what to do, when a block is missing.
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;

 private:
  const ByteSource& file_;
  BlockMap map_;
  MapHeader header_;
};

}  // namespace vhdboot::arrive
