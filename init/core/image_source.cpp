// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/image_source.h"

#include <algorithm>

#include "base/text.h"

namespace vhdboot::core {

Result<ImageSource> ImageSource::make(const ByteSource& partition, std::vector<Extent> extents, std::uint64_t size) {
  std::uint64_t covered = 0;
  std::size_t used = 0;
  for (; used < extents.size() && covered < size; ++used) {
    const auto& extent = extents[used];
    if (extent.logical != covered)
      return fail(Code::Corrupt, concat("the extents of the image have a hole or overlap at byte ", covered));
    if (extent.length == 0 || extent.length > UINT64_MAX - covered || extent.physical > partition.size() ||
        extent.length > partition.size() - extent.physical)
      return fail(Code::Corrupt, concat("the extent of the image at byte ", covered, " lies outside the partition"));
    covered += extent.length;
  }
  if (covered < size)
    return fail(Code::Corrupt, concat("the extents of the image end at byte ", covered, " of ", size));
  extents.resize(used);
  return ImageSource(partition, std::move(extents), size);
}

Result<void> ImageSource::read(std::uint64_t offset, MutableBytes out) const {
  if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
  auto extent = std::ranges::upper_bound(extents_, offset, {}, &Extent::logical);
  while (!out.empty()) {
    // make() has seen to it that the extent before `extent` holds `offset`, and that each one's end is the next one's
    // beginning.
    const auto& current = *std::prev(extent);
    const auto within = offset - current.logical;
    const auto length = std::min<std::uint64_t>(out.size(), current.length - within);
    TRY(partition_->read(current.physical + within, out.first(length)));
    out = out.subspan(length);
    offset += length;
    ++extent;
  }
  return {};
}

}  // namespace vhdboot::core
