// SPDX-License-Identifier: GPL-2.0-or-later
// Extents from clusters: merged, cut off at the file's size, and checked.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/extent.h"
#include "base/result.h"

namespace vhdboot::volume {

/// A file in more pieces than this is refused: no device-mapper table could hold it.
inline constexpr std::size_t kMaxExtents = 1'000'000;

/// Collects where a file lies, run by run in logical order.
class ExtentList {
 public:
  /// `file_size` bytes at most are covered; every extent has to lie before byte `volume_size` of the partition.
  ExtentList(std::uint64_t file_size, std::uint64_t volume_size) : file_size_(file_size), volume_size_(volume_size) {}

  /// `length` bytes from `logical` on lie at `physical`. Corrupt when they overlap an earlier run of the file
  /// logically or leave the volume; NoMemory past kMaxExtents.
  [[nodiscard]] Result<void> add(std::uint64_t logical, std::uint64_t physical, std::uint64_t length);

  /// All of them. Corrupt when two runs share bytes of the partition.
  [[nodiscard]] Result<std::vector<Extent>> finish() &&;

 private:
  std::uint64_t file_size_;
  std::uint64_t volume_size_;
  std::vector<Extent> extents_;
};

/// Neighbours merged, empty ones dropped: the form in which two lists can be compared.
[[nodiscard]] std::vector<Extent> merge_extents(std::span<const Extent> extents);

}  // namespace vhdboot::volume
