// SPDX-License-Identifier: GPL-2.0-or-later
// What each block has to be, by a hash tree whose root hash is known.
#pragma once

#include <vector>

#include "base/byte_source.h"
#include "init/arrive/hash_tree.h"

namespace vhdboot::arrive {

class TreeDigests {
 public:
  /// `tree` is the tree's file, borrowed; it need not be complete. A block of it counts as checked by whoever asks for
  /// what stands in it.
  TreeDigests(TreeLayout layout, const Sha256Digest& root, const ByteSource& tree);

  [[nodiscard]] const TreeLayout& layout() const { return layout_; }

  /// Of block `block` of the data.
  [[nodiscard]] Result<Sha256Digest> of_data(std::uint64_t block) { return of(0, block); }
  /// Of block `block` of level `level`, counted from the level's first.
  [[nodiscard]] Result<Sha256Digest> of_level(std::size_t level, std::uint64_t block) { return of(level + 1, block); }

 private:
  /// From that level; above the last one there is the root hash.
  [[nodiscard]] Result<Sha256Digest> of(std::size_t level, std::uint64_t block);

  TreeLayout layout_;
  Sha256Digest root_;
  const ByteSource& tree_;
  std::vector<std::byte> read_;   // the block that was asked last
  std::uint64_t read_block_ = 0;  // 0: none
};

}  // namespace vhdboot::arrive
