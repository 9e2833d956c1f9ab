// SPDX-License-Identifier: GPL-2.0-or-later
// The folder of a distribution of WSL 1.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "init/volume/lx_metadata.h"
#include "init/volume/ntfs_tree.h"
#include "init/volume/path.h"

namespace vhdboot::tree {

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

}  // namespace vhdboot::tree
