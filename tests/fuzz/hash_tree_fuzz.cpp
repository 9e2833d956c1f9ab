// SPDX-License-Identifier: GPL-2.0-or-later
// A tree's file: what its superblock says is written again as it was read, and every digest that is asked for lies in
// the file, in the level above.
#include "base/byte_source.h"
#include "init/arrive/hash_tree.h"
#include "init/arrive/tree_digests.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::arrive;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto superblock = parse_superblock(bytes);
  if (!superblock) return 0;
  const auto again = parse_superblock(serialise(*superblock));
  check(again && *again == *superblock);
  const auto layout = TreeLayout::of(superblock->data_blocks);
  check(layout.has_value());
  std::uint64_t blocks = superblock->data_blocks;
  std::uint64_t end = layout->blocks();
  for (const Blocks& level : layout->levels()) {
    check(level.count == (blocks + kDigestsPerBlock - 1) / kDigestsPerBlock);
    check(level.first + level.count == end);
    end = level.first;
    blocks = level.count;
  }
  check(blocks == 1 && end == 1);
  const MemorySource tree(bytes);
  TreeDigests digests(*layout, superblock->salt, tree);
  for (const std::uint64_t block : {std::uint64_t{0}, superblock->data_blocks / 2, superblock->data_blocks - 1})
    if (const auto digest = digests.of_data(block); digest && !layout->levels().empty())
      check(layout->levels().front().first * kBlock < size);
  check(!digests.of_data(superblock->data_blocks));
  for (std::size_t level = 0; level < layout->levels().size(); ++level)
    static_cast<void>(digests.of_level(level, layout->levels()[level].count - 1));
  return 0;
}
