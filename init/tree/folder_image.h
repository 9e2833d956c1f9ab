// SPDX-License-Identifier: GPL-2.0-or-later
// The folder of a distribution of WSL 1 as a file system that a kernel can mount: an EROFS (erofs.h) whose files lie in
// the folder. The volume is only read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/byte_source.h"
#include "base/result.h"
#include "init/tree/erofs.h"
#include "init/tree/walk.h"
#include "init/volume/ntfs_tree.h"
#include "init/volume/path.h"

namespace vhdboot::tree {

/// A folder of more entries is refused.
inline constexpr std::uint64_t kMaxShown = 2'000'000;

struct FolderImageTo {
  WriteAt write;
  /// About a path below the folder, for a person.
  std::function<void(std::string_view path, std::string_view text)> say;
  /// Called again and again, with how many files have been looked at.
  std::function<Result<void>(std::uint64_t files)> go_on;
};

struct FolderImage {
  std::string root;          ///< the folder that is the root
  std::uint64_t size = 0;    ///< of the file system's own blocks, bytes: the partition follows
  std::uint64_t copied = 0;  ///< of contents, bytes, that are among them
  std::string fingerprint;   ///< SHA-256 of what is known of the files but their contents, in hexadecimal
  Counts counts;

  friend bool operator==(const FolderImage&, const FolderImage&) = default;
};

/// Of the folder at `path`, which find_distribution() knows. What cannot be taken is said and left out: files whose
/// contents have to be copied, too, once there are `most_copied` bytes of such. `partition`: that of the tree.
[[nodiscard]] Result<FolderImage> make_folder_image(volume::NtfsTree& tree, const ByteSource& partition,
                                                    const volume::Path& path, std::uint64_t most_copied,
                                                    const FolderImageTo& to);

}  // namespace vhdboot::tree
