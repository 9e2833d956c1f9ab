// SPDX-License-Identifier: GPL-2.0-or-later
// exFAT's File Allocation Table: which cluster follows which (4.1).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/byte_source.h"
#include "base/extent.h"
#include "base/result.h"
#include "init/volume/exfat_boot.h"

namespace vhdboot::volume {

/// Where the bytes of a file or directory begin, and how they go on.
struct ExfatStream {
  std::uint32_t first_cluster = 0;
  bool contiguous = false;       ///< NoFatChain: the clusters follow each other and the FAT says nothing about them
  std::uint64_t size = 0;        ///< DataLength
  std::uint64_t valid_size = 0;  ///< ValidDataLength

  friend bool operator==(const ExfatStream&, const ExfatStream&) = default;
};

class ExfatFat {
 public:
  /// Both must outlive the object.
  ExfatFat(const ByteSource& partition, const ExfatGeometry& geometry) : partition_(partition), geometry_(geometry) {}

  /// Where all of `stream` lies. Corrupt when its chain ends too early, leaves the heap or meets itself.
  [[nodiscard]] Result<std::vector<Extent>> extents(const ExfatStream& stream);

  /// Where the chain from `first` to its end lies, for the root directory, whose size is written nowhere. Corrupt
  /// also when it is longer than `cap` bytes.
  [[nodiscard]] Result<std::vector<Extent>> extents_to_end(std::uint32_t first, std::uint64_t cap);

 private:
  // The FAT is read in windows, of which some stay: a fragmented file's chain jumps about.
  static constexpr std::uint32_t kWindowEntries = 16 * 1024;
  static constexpr std::size_t kWindows = 64;
  struct Window {
    std::uint32_t index = 0;
    std::uint32_t entries = 0;  // 0: holds nothing
    std::unique_ptr<std::byte[]> bytes;
  };

  /// The FAT's entry for `cluster`, for which in_heap() holds.
  [[nodiscard]] Result<std::uint32_t> next(std::uint32_t cluster);
  [[nodiscard]] Result<void> load(Window& window, std::uint32_t index);

  const ByteSource& partition_;
  const ExfatGeometry& geometry_;
  std::array<Window, kWindows> windows_{};
};

}  // namespace vhdboot::volume
