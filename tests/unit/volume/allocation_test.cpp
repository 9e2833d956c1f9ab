// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/allocation.h"

#include <gmock/gmock.h>

#include <array>

namespace vhdboot::volume {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kHeap = 1 << 20;
constexpr std::uint64_t kCluster = 4096;

std::string error_of(const Result<void>& result) {
  return result ? std::string() : result.error().text;
}

/// A bitmap of `bytes` bytes of which all bits are set but those named.
std::vector<std::byte> bitmap_without(std::size_t bytes, std::initializer_list<std::uint64_t> free) {
  std::vector<std::byte> bitmap(bytes, std::byte{0xFF});
  for (const std::uint64_t bit : free) bitmap[bit / 8] &= ~(std::byte{1} << (bit % 8));
  return bitmap;
}

AllocationCheck check_of(std::initializer_list<Extent> extents) {
  return AllocationCheck(std::span(extents.begin(), extents.size()));
}

TEST(AllocationCheck, EveryClusterHasToBeInUse) {
  // Clusters 3 to 20, the last one with a single byte; and before them in the file, cluster 100,000.
  const auto check =
      check_of({{0, kHeap + 100'000 * kCluster, kCluster}, {kCluster, kHeap + 3 * kCluster, 17 * kCluster + 1}});
  for (const std::uint64_t free : {0ULL, 2ULL, 21ULL, 99'999ULL, 100'001ULL}) {
    const auto bitmap = bitmap_without(20'000, {free});
    EXPECT_EQ(error_of(check.in_use(MemorySource(bitmap), kHeap, kCluster)), "") << free;
  }
  for (const std::uint64_t free : {3ULL, 7ULL, 8ULL, 15ULL, 16ULL, 20ULL, 100'000ULL}) {
    const auto bitmap = bitmap_without(20'000, {free});
    const auto result = check.in_use(MemorySource(bitmap), kHeap, kCluster);
    ASSERT_FALSE(result) << free;
    EXPECT_EQ(result.error().code, Code::Corrupt);
    EXPECT_THAT(error_of(result), HasSubstr(free == 100'000 ? "from its byte 0 on" : "from its byte 4096 on"));
  }
}

TEST(AllocationCheck, WhatTheBitmapDoesNotKnowIsNotInUse) {
  const auto bitmap = bitmap_without(1, {});
  EXPECT_TRUE(check_of({{0, kHeap, 8 * kCluster}}).in_use(MemorySource(bitmap), kHeap, kCluster));
  EXPECT_FALSE(check_of({{0, kHeap, 8 * kCluster + 1}}).in_use(MemorySource(bitmap), kHeap, kCluster));
  EXPECT_FALSE(check_of({{0, kHeap - kCluster, kCluster}}).in_use(MemorySource(bitmap), kHeap, kCluster));
}

TEST(AllocationCheck, SharesNoByteWithOthers) {
  const auto check = check_of({{4096, 8192, 4096}, {0, 40960, 100}});
  const auto meets = [&](std::uint64_t physical, std::uint64_t length) {
    const std::array others{Extent{0, 1 << 30, 4096}, Extent{0, physical, length}};
    const auto result = check.apart_from("$MFT", others);
    if (!result) {
      EXPECT_EQ(result.error().code, Code::Corrupt);
      EXPECT_THAT(error_of(result), HasSubstr("shares clusters with $MFT"));
    }
    return !result;
  };
  EXPECT_FALSE(meets(0, 8192));
  EXPECT_TRUE(meets(0, 8193));
  EXPECT_TRUE(meets(8192, 1));
  EXPECT_TRUE(meets(12287, 1));
  EXPECT_FALSE(meets(12288, 40960 - 12288));
  EXPECT_TRUE(meets(12288, 40960 - 12288 + 1));
  EXPECT_TRUE(meets(0, 1 << 20));
  EXPECT_FALSE(meets(41060, 4096));
  EXPECT_FALSE(meets(8192, 0));
  EXPECT_TRUE(AllocationCheck({}).apart_from("$MFT", std::array{Extent{0, 0, 4096}}));
}

}  // namespace
}  // namespace vhdboot::volume
