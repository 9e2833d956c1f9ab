// SPDX-License-Identifier: GPL-2.0-or-later
// Where a file lies on NTFS, in clusters, and how an attribute tells it ("mapping pairs"). Format: Linux-NTFS
// documentation, "Data Runs"; ntfs-3g's layout.h and runlist.c.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace vhdboot::tool {

struct NtfsRun {
  static constexpr std::int64_t kHole = -1;

  std::uint64_t vcn = 0;     ///< first cluster within the file
  std::int64_t lcn = kHole;  ///< first cluster on the volume, or kHole
  std::uint64_t length = 0;  ///< clusters, never 0

  [[nodiscard]] bool hole() const { return lcn == kHole; }
  [[nodiscard]] std::uint64_t end() const { return vcn + length; }
  bool operator==(const NtfsRun&) const = default;
};

/// In the order of the file, without gaps.
using NtfsRuns = std::vector<NtfsRun>;

/// Adds `length` clusters at the end; in one run with the last one where they continue it. An empty list begins with
/// cluster `first` of the file.
void append_run(NtfsRuns& runs, std::int64_t lcn, std::uint64_t length, std::uint64_t first = 0);

[[nodiscard]] bool has_hole(std::span<const NtfsRun> runs);

/// The first holes, `most` clusters of them at most.
[[nodiscard]] NtfsRuns first_holes(std::span<const NtfsRun> runs, std::uint64_t most);

/// Gives `holes` (parts of holes, in the order of the file) the clusters `places`, in their order; both have the same
/// number of clusters. What comes out has no gaps within a hole but jumps from one to the next.
[[nodiscard]] NtfsRuns place_holes(std::span<const NtfsRun> holes, std::span<const NtfsRun> places);

/// `runs` with `filled`, as place_holes makes them, instead of the holes there.
[[nodiscard]] NtfsRuns fill_runs(std::span<const NtfsRun> runs, std::span<const NtfsRun> filled);

struct MappingPairs {
  std::vector<std::byte> bytes;  ///< with the mark of the end
  std::size_t runs = 0;          ///< how many of the runs they tell
};

/// As many of `runs` from the first one on as `room` bytes can tell.
[[nodiscard]] MappingPairs encode_mapping_pairs(std::span<const NtfsRun> runs, std::size_t room);

/// The runs that `pairs` tell, which begin with cluster `first` of the file. Corrupt when they do not end, when a
/// number has no or more than 8 bytes, or is out of range.
[[nodiscard]] Result<NtfsRuns> decode_mapping_pairs(Bytes pairs, std::uint64_t first);

}  // namespace vhdboot::tool
