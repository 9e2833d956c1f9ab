// SPDX-License-Identifier: GPL-2.0-or-later
// Which bytes of which file the disk of an image is made of, its parents laid together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "vhd/disk.h"

namespace vhdboot::vhd {

/// In bytes, in whole sectors.
struct DiskPiece {
  std::uint64_t start = 0;            ///< on the disk
  std::uint64_t length = 0;           ///< at least one sector
  std::optional<std::uint32_t> file;  ///< 0 is the image, 1 its parent, and so on; nothing: it reads as zeros
  std::uint64_t file_offset = 0;      ///< where in the file

  friend bool operator==(const DiskPiece&, const DiskPiece&) = default;
};

/// A disk in more pieces is refused.
inline constexpr std::size_t kMaxPieces = 1'000'000;

/// How often a piece may be looked up in an image of the chain until then.
inline constexpr std::uint64_t kMaxLookUps = 16'000'000;

/// The pieces of all of `disk` in their order, without gaps, neighbours merged. NotFound when a parent is missing.
/// Unsupported past the caps, and when a log that was not replayed holds bytes of the disk itself, which no log should:
/// then the file is not enough.
[[nodiscard]] Result<std::vector<DiskPiece>> pieces_of(const Disk& disk);

/// Whether all of the disk lies in its own file, so that it can be written there and no table has to change. The errors
/// of pieces_of().
[[nodiscard]] Result<bool> is_whole(const Disk& disk);

}  // namespace vhdboot::vhd
