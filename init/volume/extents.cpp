// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/extents.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/units.h"

namespace vhdboot::volume {

Result<void> ExtentList::add(std::uint64_t logical, std::uint64_t physical, std::uint64_t length) {
  if (length == 0) return {};
  if (physical > volume_size_ || length > volume_size_ - physical)
    return fail(Code::Corrupt,
                concat("its byte ", logical, " would lie at byte ", physical, ", past the end of the volume"));
  const std::uint64_t expected = extents_.empty() ? 0 : extents_.back().logical + extents_.back().length;
  if (logical >= file_size_) return {};
  if (logical < expected) return fail(Code::Corrupt, concat("its byte ", logical, " lies at two places"));
  length = std::min(length, file_size_ - logical);
  if (!extents_.empty()) {
    Extent& last = extents_.back();
    if (logical == expected && physical == last.physical + last.length) {
      last.length += length;
      return {};
    }
  }
  if (extents_.size() >= kMaxExtents)
    return fail(Code::NoMemory,
                concat("it lies in more than ", kMaxExtents, " pieces: defragment it, or copy it to a new file"));
  extents_.push_back({logical, physical, length});
  return {};
}

Result<std::vector<Extent>> ExtentList::finish() && {
  std::vector<Extent> sorted = extents_;
  std::sort(sorted.begin(), sorted.end(), [](const Extent& a, const Extent& b) { return a.physical < b.physical; });
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i].physical < sorted[i - 1].physical + sorted[i - 1].length)
      return fail(Code::Corrupt,
                  concat("its bytes ", sorted[i - 1].logical, " and ", sorted[i].logical, " lie at the same place"));
  return std::move(extents_);
}

std::vector<Extent> merge_extents(std::span<const Extent> extents) {
  std::vector<Extent> merged;
  for (const auto& extent : extents) {
    if (extent.length == 0) continue;
    if (!merged.empty()) {
      auto& last = merged.back();
      if (extent.logical - last.logical == last.length && extent.physical - last.physical == last.length &&
          !sum_overflows(last.length, extent.length)) {
        last.length += extent.length;
        continue;
      }
    }
    merged.push_back(extent);
  }
  return merged;
}

}  // namespace vhdboot::volume
