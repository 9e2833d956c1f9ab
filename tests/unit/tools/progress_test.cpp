// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/progress.h"

#include <gtest/gtest.h>

#include "base/units.h"

namespace vhdboot::tools {
namespace {

TEST(Progress, PercentRoundsDown) {
  EXPECT_EQ(percent({0, 100, 0}), 0u);
  EXPECT_EQ(percent({999, 1000, 0}), 99u);
  EXPECT_EQ(percent({1000, 1000, 0}), 100u);
  EXPECT_EQ(percent({0, 0, 0}), 100u);
  EXPECT_EQ(percent({2000 * kGiB, 2040 * kGiB, 0}), 98u);
}

TEST(Progress, TimeLeftGoesOnAsItDid) {
  EXPECT_EQ(seconds_left({25, 100, 10}), 30u);
  EXPECT_EQ(seconds_left({100, 100, 10}), 0u);
  EXPECT_EQ(seconds_left({0, 100, 10}), std::nullopt);
  EXPECT_EQ(seconds_left({1, 100, 0.1}), std::nullopt) << "too early to tell";
}

TEST(Progress, Durations) {
  EXPECT_EQ(duration(7), "7 s");
  EXPECT_EQ(duration(200), "3 min 20 s");
  EXPECT_EQ(duration(3900), "1 h 05 min");
}

TEST(Progress, Line) {
  EXPECT_EQ(progress_line({kGiB, 4 * kGiB, 20}), "25 %, 1 GiB of 4 GiB, 1 min 00 s left");
  EXPECT_EQ(progress_line({4 * kGiB, 4 * kGiB, 20}), "100 %, 4 GiB of 4 GiB");
}

TEST(Progress, BarHasTheWidthOfTheTerminal) {
  for (const std::size_t width : {10u, 40u, 79u, 200u})
    EXPECT_EQ(progress_bar({kGiB, 4 * kGiB, 20}, width).size(), width);
  EXPECT_EQ(progress_bar({kGiB, 2 * kGiB, 0}, 79).substr(0, 34), "[###############...............] 5");
}

}  // namespace
}  // namespace vhdboot::tools
