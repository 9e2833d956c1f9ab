// SPDX-License-Identifier: GPL-2.0-or-later
// As TreeDigests, of a tree that nobody has checked: each of its blocks is, up to the root hash, when it is needed.
#pragma once

#include <vector>

#include "base/byte_source.h"
#include "init/arrive/hash_tree.h"

namespace vhdboot::arrive {

class CheckedDigests {
 public:
  /// `tree` is the tree's file, borrowed, complete. No memory is taken later on.
  CheckedDigests(TreeLayout layout, const Salt& salt, const Sha256Digest& root, const ByteSource& tree);

  /// Of block `block` of the data. Corrupt when the tree is not that of the root hash.
  [[nodiscard]] Result<Sha256Digest> of_data(std::uint64_t block) { return of(0, block); }

 private:
  struct Level {
    std::vector<std::byte> bytes;  // of the block that was asked last
    std::uint64_t block = 0;       // of the file; 0: none
  };
  [[nodiscard]] Result<Sha256Digest> of(std::size_t level, std::uint64_t block);

  TreeLayout layout_;
  Salt salt_;
  Sha256Digest root_;
  const ByteSource& tree_;
  std::vector<Level> levels_;
};

}  // namespace vhdboot::arrive
