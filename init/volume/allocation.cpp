// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/allocation.h"

#include <algorithm>

#include "base/text.h"
#include "init/volume/state.h"

namespace vhdboot::volume {
namespace {

// Reads a bitmap forwards, a block at a time.
class Bits {
 public:
  explicit Bits(const ByteSource& bitmap) : bitmap_(bitmap) {}

  Result<bool> all_set(std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t bit = first; count > 0;) {
      const std::uint8_t byte = TRY(at(bit / 8));
      const std::uint64_t here = std::min<std::uint64_t>(count, 8 - bit % 8);
      const auto mask = static_cast<std::uint8_t>(((1u << here) - 1) << bit % 8);
      if ((byte & mask) != mask) return false;
      bit += here;
      count -= here;
    }
    return true;
  }

 private:
  Result<std::uint8_t> at(std::uint64_t index) {
    constexpr std::uint64_t kBlock = 64 * 1024;
    if (index >= bitmap_.size()) return std::uint8_t{0};
    if (block_.empty() || index < start_ || index - start_ >= block_.size()) {
      start_ = index / kBlock * kBlock;
      block_.resize(static_cast<std::size_t>(std::min(kBlock, bitmap_.size() - start_)));
      TRY_IN("reading which clusters are in use", bitmap_.read(start_, block_));
    }
    return std::to_integer<std::uint8_t>(block_[static_cast<std::size_t>(index - start_)]);
  }

  const ByteSource& bitmap_;
  std::uint64_t start_ = 0;
  std::vector<std::byte> block_;
};

}  // namespace

AllocationCheck::AllocationCheck(std::span<const Extent> extents) : by_place_(extents.begin(), extents.end()) {
  std::ranges::sort(by_place_, {}, &Extent::physical);
}

Result<void> AllocationCheck::in_use(const ByteSource& bitmap, std::uint64_t heap, std::uint64_t cluster_size) const {
  Bits bits(bitmap);
  for (const Extent& extent : by_place_) {
    if (extent.length == 0) continue;
    bool used = extent.physical >= heap;
    if (used) {
      const std::uint64_t first = (extent.physical - heap) / cluster_size;
      const std::uint64_t last = (extent.physical - heap + extent.length - 1) / cluster_size;
      used = TRY(bits.all_set(first, last - first + 1));
    }
    if (!used)
      return fail(Code::Corrupt, concat("it lies in clusters that the volume counts as free, from its byte ",
                                        extent.logical, " on: ", row_of(Condition::Damaged).clause));
  }
  return {};
}

Result<void> AllocationCheck::apart_from(std::string_view owner, std::span<const Extent> others) const {
  for (const Extent& other : others) {
    if (other.length == 0) continue;
    // The last piece that begins before the other one ends.
    auto piece = std::ranges::lower_bound(by_place_, other.physical + other.length, {}, &Extent::physical);
    if (piece == by_place_.begin()) continue;
    --piece;
    if (piece->physical + piece->length > other.physical)
      return fail(Code::Corrupt, concat("it shares clusters with ", owner, ": ", row_of(Condition::Damaged).clause));
  }
  return {};
}

}  // namespace vhdboot::volume
