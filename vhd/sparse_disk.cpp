// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/sparse_disk.h"

#include <algorithm>
#include <cstring>

namespace vhdboot::vhd {

Result<void> SparseDisk::read(std::uint64_t offset, MutableBytes out) const {
  if (offset > size_ || out.size() > size_ - offset) return fail(Code::Corrupt, "read past the end");
  while (!out.empty()) {
    const Piece piece = TRY(locate(offset, out.size()));
    const MutableBytes part = out.first(static_cast<std::size_t>(piece.length));
    switch (piece.origin) {
      case Origin::Zero:
        std::memset(part.data(), 0, part.size());
        break;
      case Origin::File:
        TRY(file_.read(piece.file_offset, part));
        break;
      case Origin::Parent:
        TRY(read_parent(offset, part));
        break;
    }
    offset += part.size();
    out = out.subspan(part.size());
  }
  return {};
}

Result<void> SparseDisk::read_parent(std::uint64_t offset, MutableBytes out) const {
  if (!parent_) return fail(Code::NotFound, "these bytes are in the parent image, which is not at hand");
  const std::uint64_t there = offset < parent_->size() ? parent_->size() - offset : 0;
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(there, out.size()));
  TRY(parent_->read(std::min(offset, parent_->size()), out.first(count)));
  std::ranges::fill(out.subspan(count), std::byte{0});
  return {};
}

bool any_overlap(std::vector<std::uint64_t>& places, std::uint64_t length) {
  std::ranges::sort(places);
  return std::ranges::adjacent_find(places, [&](std::uint64_t a, std::uint64_t b) { return b - a < length; }) !=
         places.end();
}

}  // namespace vhdboot::vhd
