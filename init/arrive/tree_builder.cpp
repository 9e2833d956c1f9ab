// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/tree_builder.h"

#include <algorithm>
#include <utility>

namespace vhdboot::arrive {

TreeBuilder::TreeBuilder(TreeLayout layout, const Salt& salt, Sink sink)
    : layout_(std::move(layout)), salt_(salt), sink_(std::move(sink)), levels_(layout_.levels().size()) {
  for (Level& level : levels_) level.block.resize(kBlock);
}

Result<void> TreeBuilder::add(Bytes block) {
  if (added_ == layout_.data_blocks()) return fail(Code::Invalid, "one block too many for its hash tree");
  ++added_;
  return take(0, digest_of(salt_, block));
}

Result<Sha256Digest> TreeBuilder::finish() {
  if (added_ != layout_.data_blocks()) return fail(Code::Invalid, "too few blocks for its hash tree");
  for (std::size_t level = 0; level < levels_.size(); ++level)
    if (levels_[level].filled != 0) TRY(write(level));
  return root_;
}

Result<void> TreeBuilder::take(std::size_t level, const Sha256Digest& digest) {
  if (level == levels_.size()) {
    root_ = digest;
    return {};
  }
  Level& to = levels_[level];
  std::ranges::copy(digest, to.block.begin() + static_cast<std::ptrdiff_t>(to.filled));
  to.filled += digest.size();
  return to.filled == kBlock ? write(level) : Result<void>();
}

Result<void> TreeBuilder::write(std::size_t level) {
  Level& from = levels_[level];
  TRY(sink_(layout_.levels()[level].first + from.written, from.block));
  ++from.written;
  const Sha256Digest digest = digest_of(salt_, from.block);
  std::ranges::fill(from.block, std::byte{0});
  from.filled = 0;
  return take(level + 1, digest);
}

}  // namespace vhdboot::arrive
