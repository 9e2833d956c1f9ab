// SPDX-License-Identifier: GPL-2.0-or-later
// Where a file lies on its volume, and whether its bytes there are its contents.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/extent.h"
#include "base/result.h"
#include "init/volume/path.h"

namespace vhdboot::volume {

/// Where a file lies. Sizes and offsets in bytes.
struct FileLayout {
  std::uint64_t size = 0;        ///< what a reader sees
  std::uint64_t valid_size = 0;  ///< written so far (valid data length); the rest reads as zeros whatever is on disk
  std::uint64_t allocated_size = 0;  ///< clusters the volume keeps for it, holes not counted
  bool directory = false;
  bool resident = false;  ///< NTFS: the data lies within the MFT record, in no cluster
  bool sparse = false;
  bool compressed = false;
  bool encrypted = false;
  std::uint32_t reparse_tag = 0;  ///< NTFS: non-zero when other software has to interpret it (WOF, cloud, links)
  /// In logical order, neighbours merged, cut off at `size`, each within the partition. A hole is a gap between two.
  std::vector<Extent> extents;
  /// When its data were changed last: seconds since 1970, UTC. Nothing where the volume does not tell.
  std::optional<std::int64_t> modified;

  friend bool operator==(const FileLayout&, const FileLayout&) = default;
};

/// A file and its place.
struct PlacedFile {
  Path path;
  FileLayout layout;
};

/// Whether the bytes of the file at `path` are exactly those that its extents cover, so that they may be read and
/// written in place. Unsupported, with what to do about it, for a directory, an empty, resident, compressed,
/// encrypted or reparse file, for holes, and for a valid data length short of the size.
[[nodiscard]] Result<void> check_mappable(const FileLayout& layout, const Path& path);

}  // namespace vhdboot::volume
