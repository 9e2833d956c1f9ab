// SPDX-License-Identifier: GPL-2.0-or-later
// The contents of a file as a ByteSource, read through its extents.
#pragma once

#include <cstdint>
#include <vector>

#include "base/byte_source.h"
#include "base/extent.h"

namespace vhdboot::volume {

class FileSource final : public ByteSource {
 public:
  /// `extents` in logical order lie on `partition`, which must outlive this. What none of them covers below `size`,
  /// and all from `valid_size` on, reads as zeros.
  FileSource(const ByteSource& partition, std::vector<Extent> extents, std::uint64_t size, std::uint64_t valid_size);

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] const std::vector<Extent>& extents() const { return extents_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;

 private:
  const ByteSource& partition_;
  std::vector<Extent> extents_;
  std::uint64_t size_;
  std::uint64_t valid_size_;
};

}  // namespace vhdboot::volume
