// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/range.h"

#include <gtest/gtest.h>

namespace vhdboot {
namespace {

TEST(ZeroRuns, MergesNeighboursAndKeepsToBlocks) {
  std::vector<std::byte> data(10 * 16);
  data[3 * 16 + 5] = std::byte{1};
  data[9 * 16 + 15] = std::byte{1};
  EXPECT_EQ(zero_runs(data, 1600, 16), (std::vector<Range>{{1600, 48}, {1664, 80}}));
}

TEST(ZeroRuns, TheLastBlockMayBeShorter) {
  const std::vector<std::byte> data(20);
  EXPECT_EQ(zero_runs(data, 0, 16), (std::vector<Range>{{0, 20}}));
  EXPECT_TRUE(zero_runs({}, 0, 16).empty());
}

TEST(ZeroRuns, OneByteCounts) {
  for (std::size_t at = 0; at < 33; ++at) {
    std::vector<std::byte> data(33);
    EXPECT_TRUE(is_zero(data));
    data[at] = std::byte{0x80};
    EXPECT_FALSE(is_zero(data)) << at;
  }
}

}  // namespace
}  // namespace vhdboot
