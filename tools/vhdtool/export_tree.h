// SPDX-License-Identifier: GPL-2.0-or-later
// A distribution of WSL 1 as a tar archive.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "init/tree/distribution.h"
#include "init/tree/walk.h"
#include "init/volume/ntfs_tree.h"

namespace vhdboot::vhdtool {

/// An archive of more entries is refused.
inline constexpr std::uint64_t kMaxExported = 10'000'000;

struct ExportTo {
  std::function<Result<void>(Bytes)> write;
  /// About a path in the distribution, for a person.
  std::function<void(std::string_view path, std::string_view text)> say;
  /// Asked before each entry.
  std::function<bool()> stop;
};

/// The whole archive. What cannot be read is said and left out; an error is one after which it is of no use.
[[nodiscard]] Result<tree::Counts> export_tree(volume::NtfsTree& tree, const tree::Distribution& distribution,
                                               const ExportTo& to);

}  // namespace vhdboot::vhdtool
