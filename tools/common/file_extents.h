// SPDX-License-Identifier: GPL-2.0-or-later
// Where a file of the running system lies on its device (kernel: Documentation/filesystems/fiemap.rst).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/extent.h"
#include "base/range.h"
#include "base/result.h"

namespace vhdboot::tools {

struct FileExtent {
  Extent place;             ///< physical: from the start of the file system's device
  std::uint32_t flags = 0;  ///< FIEMAP_EXTENT_*

  friend bool operator==(const FileExtent&, const FileExtent&) = default;
};

/// A file in more pieces is refused.
inline constexpr std::size_t kMaxFileExtents = 1'000'000;

/// All extents of the regular file that `fd` has open, in logical order; what is unwritten of it is written first.
/// Unsupported when its file system cannot tell.
[[nodiscard]] Result<std::vector<FileExtent>> file_extents(int fd);

/// "unwritten, shared"; empty for plain data.
[[nodiscard]] std::string describe_flags(std::uint32_t flags);

/// The places of `extents` when each byte of the file's first `size` is exactly where they say. Unsupported, with what
/// to do about it, for holes, unwritten space, and data that lies inside metadata, compressed, encrypted or shared.
[[nodiscard]] Result<std::vector<Extent>> plain_extents(const std::vector<FileExtent>& extents, std::uint64_t size);

/// The parts of a file's first `size` bytes that have no place yet, or one that was never written.
[[nodiscard]] std::vector<Range> missing_ranges(const std::vector<FileExtent>& extents, std::uint64_t size);

}  // namespace vhdboot::tools
