// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/file_source.h"

#include <algorithm>
#include <utility>

namespace vhdboot::volume {

FileSource::FileSource(const ByteSource& partition, std::vector<Extent> extents, std::uint64_t size,
                       std::uint64_t valid_size)
    : partition_(partition), extents_(std::move(extents)), size_(size), valid_size_(std::min(size, valid_size)) {}

Result<void> FileSource::read(std::uint64_t offset, MutableBytes out) const {
  if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
  auto extent = std::upper_bound(extents_.begin(), extents_.end(), offset,
                                 [](std::uint64_t at, const Extent& e) { return at < e.logical + e.length; });
  while (!out.empty()) {
    std::uint64_t length = out.size();
    const bool covered = extent != extents_.end() && extent->logical <= offset && offset < valid_size_;
    if (covered) {
      const std::uint64_t within = offset - extent->logical;
      length = std::min({length, extent->length - within, valid_size_ - offset});
      TRY(partition_.read(extent->physical + within, out.first(static_cast<std::size_t>(length))));
      if (within + length == extent->length) ++extent;
    } else {
      if (offset < valid_size_ && extent != extents_.end()) length = std::min(length, extent->logical - offset);
      std::fill_n(out.begin(), static_cast<std::size_t>(length), std::byte{0});
    }
    offset += length;
    out = out.subspan(static_cast<std::size_t>(length));
  }
  return {};
}

}  // namespace vhdboot::volume
