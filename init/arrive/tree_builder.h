// SPDX-License-Identifier: GPL-2.0-or-later
// Makes a hash tree, from the first block of the data to the last; it holds one block of each level.
#pragma once

#include <functional>
#include <vector>

#include "init/arrive/hash_tree.h"

namespace vhdboot::arrive {

class TreeBuilder {
 public:
  /// Takes a block of the tree's file, each once, in no order.
  using Sink = std::function<Result<void>(std::uint64_t block, Bytes bytes)>;

  TreeBuilder(TreeLayout layout, const Salt& salt, Sink sink);

  /// The next block of the data. Invalid when there were as many as the layout has.
  [[nodiscard]] Result<void> add(Bytes block);
  /// The root hash, after the last block. Invalid before it.
  [[nodiscard]] Result<Sha256Digest> finish();

 private:
  struct Level {
    std::vector<std::byte> block;
    std::size_t filled = 0;     // bytes of it
    std::uint64_t written = 0;  // blocks of the level
  };

  /// A digest of the blocks that the level stands on; above the last level it is the root hash.
  [[nodiscard]] Result<void> take(std::size_t level, const Sha256Digest& digest);
  [[nodiscard]] Result<void> write(std::size_t level);

  TreeLayout layout_;
  Salt salt_;
  Sink sink_;
  std::vector<Level> levels_;
  std::uint64_t added_ = 0;
  Sha256Digest root_{};
};

}  // namespace vhdboot::arrive
