// SPDX-License-Identifier: GPL-2.0-or-later
// An image file read straight from the partition its volume lies on, through its extents.
#pragma once

#include <cstdint>
#include <vector>

#include "base/byte_source.h"
#include "base/extent.h"
#include "base/result.h"

namespace vhdboot::core {

class ImageSource final : public ByteSource {
 public:
  /// `extents` in logical order must cover [0, size) without hole or overlap and lie within `partition`, which must
  /// outlive the source; Corrupt otherwise.
  [[nodiscard]] static Result<ImageSource> make(const ByteSource& partition, std::vector<Extent> extents,
                                                std::uint64_t size);
  ImageSource(ImageSource&& other) noexcept
      : partition_(other.partition_), extents_(std::move(other.extents_)), size_(other.size_) {}

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override;

 private:
  ImageSource(const ByteSource& partition, std::vector<Extent> extents, std::uint64_t size)
      : partition_(&partition), extents_(std::move(extents)), size_(size) {}

  const ByteSource* partition_;
  std::vector<Extent> extents_;
  std::uint64_t size_;
};

}  // namespace vhdboot::core
