// SPDX-License-Identifier: GPL-2.0-or-later
// A distribution of WSL 1 as a tar archive: the walk through its folder.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "init/volume/lx_metadata.h"
#include "init/volume/ntfs_tree.h"
#include "init/volume/path.h"

namespace vhdboot::vhdtool {

/// A folder that WSL shows in the place of an empty one.
struct Graft {
  std::string name;  ///< "home": of a folder in the root
  std::uint64_t reference = 0;
};

struct Distribution {
  volume::Path root;
  std::uint64_t reference = 0;
  volume::LxGeneration generation = volume::LxGeneration::None;
  std::vector<Graft> grafts;
};

/// The distribution whose root, or the folder of whose root (`rootfs`), is at `path`. The oldest layout has `home` and
/// `root` beside it. Unsupported when it is none, with what to do.
[[nodiscard]] Result<Distribution> find_distribution(volume::NtfsTree& tree, const volume::Path& path);

/// An archive of more entries is refused.
inline constexpr std::uint64_t kMaxExported = 10'000'000;

struct ExportCounts {
  std::uint64_t files = 0;
  std::uint64_t directories = 0;
  std::uint64_t symlinks = 0;
  std::uint64_t hard_links = 0;
  std::uint64_t devices = 0;
  std::uint64_t fifos = 0;
  // Of these:
  std::uint64_t with_attributes = 0;
  std::uint64_t unescaped = 0;
  std::uint64_t without_metadata = 0;
  std::uint64_t windows_links = 0;
  std::uint64_t invalid_names = 0;
  std::uint64_t damaged = 0;  ///< said
  // Not in the archive:
  std::uint64_t sockets = 0;
  std::uint64_t streams = 0;
  std::uint64_t left_out = 0;  ///< said

  [[nodiscard]] std::uint64_t entries() const { return files + directories + symlinks + hard_links + devices + fifos; }
};

/// One line; what is 0 only of files and folders.
[[nodiscard]] std::string describe(const ExportCounts& counts);

struct ExportTo {
  std::function<Result<void>(Bytes)> write;
  /// About a path in the distribution, for a person.
  std::function<void(std::string_view path, std::string_view text)> say;
  /// Asked before each entry.
  std::function<bool()> stop;
};

/// The whole archive. What cannot be read is said and left out; an error is one after which it is of no use.
[[nodiscard]] Result<ExportCounts> export_tree(volume::NtfsTree& tree, const Distribution& distribution,
                                               const ExportTo& to);

}  // namespace vhdboot::vhdtool
