// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/geometry.h"

#include <gtest/gtest.h>

#include "vhd/footer.h"

namespace vhdboot::vhd {
namespace {

Geometry of_sectors(std::uint64_t sectors) {
  return geometry_of(sectors * kSectorSize);
}

// Each class of the specification's appendix at its first and its last size, worked out by hand.
TEST(Geometry, FewestHeadsAndSeventeenSectors) {
  EXPECT_EQ(of_sectors(1), (Geometry{0, 4, 17}));
  EXPECT_EQ(of_sectors(4 * 17), (Geometry{1, 4, 17}));
  EXPECT_EQ(of_sectors(4 * 17 * 1023), (Geometry{1023, 4, 17}));
}

TEST(Geometry, HeadsGrowWithTheDisk) {
  EXPECT_EQ(of_sectors(17 * (4 * 1024 + 1)), (Geometry{819, 5, 17}));
  EXPECT_EQ(of_sectors(17 * (16 * 1024 - 1)), (Geometry{1023, 16, 17}));
}

TEST(Geometry, ThirtyOneSectors) {
  // tracks == heads * 1024: no longer fits 17 sectors, whatever the number of heads
  EXPECT_EQ(of_sectors(17 * 4 * 1024), (Geometry{140, 16, 31}));
  EXPECT_EQ(of_sectors(17 * 16 * 1024), (Geometry{561, 16, 31}));
  EXPECT_EQ(of_sectors(31 * 16 * 1024 - 1), (Geometry{1023, 16, 31}));
}

TEST(Geometry, SixtyThreeSectors) {
  EXPECT_EQ(of_sectors(31 * 16 * 1024), (Geometry{503, 16, 63}));
  EXPECT_EQ(of_sectors(std::uint64_t{65535} * 16 * 63 - 1), (Geometry{65534, 16, 63}));
}

TEST(Geometry, TwoHundredFiftyFiveSectors) {
  EXPECT_EQ(of_sectors(std::uint64_t{65535} * 16 * 63), (Geometry{16191, 16, 255}));
  EXPECT_EQ(of_sectors(std::uint64_t{65535} * 16 * 255), (Geometry{65535, 16, 255}));
}

TEST(Geometry, LargerDisksKeepTheLargestGeometry) {
  EXPECT_EQ(of_sectors(std::uint64_t{65535} * 16 * 255 + 1), (Geometry{65535, 16, 255}));
  EXPECT_EQ(geometry_of(kMaxPayload), (Geometry{65535, 16, 255}));
}

TEST(Geometry, NeverCoversMoreThanTheDisk) {
  for (std::uint64_t sectors = 1; sectors < kMaxPayload / kSectorSize; sectors += sectors / 3 + 1)
    EXPECT_LE(of_sectors(sectors).sectors(), sectors);
}

}  // namespace
}  // namespace vhdboot::vhd
