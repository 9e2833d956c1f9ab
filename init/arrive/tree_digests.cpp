// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/tree_digests.h"

#include <algorithm>
#include <utility>

namespace vhdboot::arrive {

TreeDigests::TreeDigests(TreeLayout layout, const Sha256Digest& root, const ByteSource& tree)
    : layout_(std::move(layout)), root_(root), tree_(tree), read_(kBlock) {}

Result<Sha256Digest> TreeDigests::of(std::size_t level, std::uint64_t block) {
  const auto& levels = layout_.levels();
  const std::uint64_t count = level == 0 ? layout_.data_blocks() : level <= levels.size() ? levels[level - 1].count : 0;
  if (block >= count) return fail(Code::Invalid, "no such block in its hash tree");
  if (level == levels.size()) return root_;
  const std::uint64_t place = levels[level].first + block / kDigestsPerBlock;
  if (read_block_ != place) {
    read_block_ = 0;
    TRY_IN("reading its hash tree", tree_.read(place * kBlock, read_));
    read_block_ = place;
  }
  Sha256Digest digest{};
  std::ranges::copy(Bytes(read_).subspan(block % kDigestsPerBlock * digest.size(), digest.size()), digest.begin());
  return digest;
}

}  // namespace vhdboot::arrive
