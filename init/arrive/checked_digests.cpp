// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/checked_digests.h"

#include <algorithm>
#include <utility>

namespace vhdboot::arrive {

CheckedDigests::CheckedDigests(TreeLayout layout, const Salt& salt, const Sha256Digest& root, const ByteSource& tree)
    : layout_(std::move(layout)), salt_(salt), root_(root), tree_(tree), levels_(layout_.levels().size()) {
  for (Level& level : levels_) level.bytes.resize(kBlock);
}

Result<Sha256Digest> CheckedDigests::of(std::size_t level, std::uint64_t block) {
  const std::uint64_t count = level == 0 ? layout_.data_blocks() : layout_.levels()[level - 1].count;
  if (block >= count) return fail(Code::Invalid, "no such block in its hash tree");
  if (level == levels_.size()) return root_;
  Level& own = levels_[level];
  const std::uint64_t number = block / kDigestsPerBlock;
  const std::uint64_t place = layout_.levels()[level].first + number;
  if (own.block != place) {
    own.block = 0;
    TRY(tree_.read(place * kBlock, own.bytes));
    if (digest_of(salt_, own.bytes) != TRY(of(level + 1, number)))
      return fail(Code::Corrupt, "the hash tree beside the image is not that of its root hash");
    own.block = place;
  }
  Sha256Digest digest{};
  std::ranges::copy(Bytes(own.bytes).subspan(block % kDigestsPerBlock * digest.size(), digest.size()), digest.begin());
  return digest;
}

}  // namespace vhdboot::arrive
