// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/compressed_source.h"

#include <algorithm>
#include <utility>

#include "init/volume/lznt1.h"

namespace vhdboot::volume {

CompressedSource::CompressedSource(const ByteSource& partition, std::vector<Extent> extents, std::uint64_t unit,
                                   std::uint64_t size, std::uint64_t valid_size)
    : partition_(partition),
      extents_(std::move(extents)),
      unit_(std::clamp<std::uint64_t>(unit, 1, kMaxCompressionUnit)),
      size_(size),
      valid_size_(std::min(size, valid_size)) {}

Result<std::vector<std::byte>> CompressedSource::read_unit(std::uint64_t number) const {
  const std::uint64_t begin = number * unit_;
  std::vector<std::byte> stored;
  auto extent =
      std::ranges::upper_bound(extents_, begin, {}, [](const Extent& one) { return one.logical + one.length; });
  for (; extent != extents_.end() && stored.size() < unit_; ++extent) {
    const std::uint64_t at = begin + stored.size();
    if (extent->logical > at) break;
    const std::uint64_t skip = at - extent->logical;
    const std::uint64_t length = std::min(extent->length - skip, unit_ - stored.size());
    const std::size_t before = stored.size();
    stored.resize(before + static_cast<std::size_t>(length));
    TRY(partition_.read(extent->physical + skip, MutableBytes(stored).subspan(before)));
  }
  if (stored.size() < unit_ && extent != extents_.end() && extent->logical < begin + unit_)
    return fail(Code::Corrupt, "what Windows compressed lies in pieces that do not belong together");
  std::vector<std::byte> bytes = stored.size() == unit_ || stored.empty()
                                     ? std::move(stored)
                                     : TRY(lznt1_decompress(stored, static_cast<std::size_t>(unit_)));
  bytes.resize(static_cast<std::size_t>(unit_));
  if (valid_size_ < begin + unit_)
    std::ranges::fill(MutableBytes(bytes).subspan(valid_size_ > begin ? valid_size_ - begin : 0), std::byte{0});
  return bytes;
}

Result<void> CompressedSource::read(std::uint64_t offset, MutableBytes out) const {
  if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
  while (!out.empty()) {
    const std::uint64_t number = offset / unit_;
    if (number != held_) {
      held_ = UINT64_MAX;
      unit_bytes_ = TRY(read_unit(number));
      held_ = number;
    }
    const std::uint64_t skip = offset % unit_;
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(unit_ - skip, out.size()));
    std::ranges::copy(Bytes(unit_bytes_).subspan(static_cast<std::size_t>(skip), length), out.begin());
    out = out.subspan(length);
    offset += length;
  }
  return {};
}

}  // namespace vhdboot::volume
