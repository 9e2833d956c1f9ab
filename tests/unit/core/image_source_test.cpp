// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/image_source.h"

#include <numeric>

#include "tests/unit/core/error_matchers.h"

namespace vhdboot::core {
namespace {

using test::Fails;

class ImageSourceTest : public testing::Test {
 protected:
  ImageSourceTest() {
    for (std::size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = static_cast<std::byte>(i);
  }
  std::vector<std::byte> bytes_ = std::vector<std::byte>(200);
  MemorySource partition_{bytes_};
  std::vector<Extent> extents_{{0, 100, 10}, {10, 50, 20}, {30, 0, 5}};
};

TEST_F(ImageSourceTest, ReadsEveryRangeAsTheFileHasIt) {
  std::vector<std::byte> expected;
  for (const auto& extent : extents_)
    for (std::uint64_t i = 0; i < extent.length; ++i) expected.push_back(bytes_[extent.physical + i]);
  const auto image = ImageSource::make(partition_, extents_, 33);
  ASSERT_TRUE(image) << image.error().text;
  EXPECT_EQ(image->size(), 33u);
  for (std::size_t offset = 0; offset <= 33; ++offset)
    for (std::size_t length = 0; offset + length <= 33; ++length) {
      std::vector<std::byte> out(length);
      ASSERT_TRUE(image->read(offset, out));
      ASSERT_TRUE(std::equal(out.begin(), out.end(), expected.begin() + static_cast<std::ptrdiff_t>(offset)))
          << offset << '+' << length;
    }
  std::vector<std::byte> out(2);
  EXPECT_THAT(image->read(32, out), Fails(Code::Corrupt, "past the end"));
  EXPECT_THAT(image->read(~std::uint64_t{0}, out), Fails(Code::Corrupt, "past the end"));
}

TEST_F(ImageSourceTest, ExtentsMustCoverTheFile) {
  const auto make = [this](std::vector<Extent> extents, std::uint64_t size) {
    return ImageSource::make(partition_, std::move(extents), size);
  };
  EXPECT_THAT(make({{0, 0, 10}, {11, 20, 5}}, 16), Fails(Code::Corrupt, "hole or overlap at byte 10"));
  EXPECT_THAT(make({{0, 0, 10}, {9, 20, 5}}, 14), Fails(Code::Corrupt, "hole or overlap at byte 10"));
  EXPECT_THAT(make({{0, 0, 10}}, 11), Fails(Code::Corrupt, "end at byte 10 of 11"));
  EXPECT_THAT(make({{0, 195, 10}}, 10), Fails(Code::Corrupt, "outside the partition"));
  EXPECT_THAT(make({{0, ~std::uint64_t{0}, 10}}, 10), Fails(Code::Corrupt, "outside the partition"));
  EXPECT_THAT(make({{0, 0, 0}}, 10), Fails(Code::Corrupt, "outside the partition"));
  EXPECT_TRUE(make({}, 0));
}

TEST_F(ImageSourceTest, WhatComesBehindTheEndIsNotLookedAt) {
  const auto image = ImageSource::make(partition_, {{0, 10, 10}, {3, 0, 99}}, 10);
  ASSERT_TRUE(image);
  std::vector<std::byte> out(10);
  ASSERT_TRUE(image->read(0, out));
  EXPECT_EQ(out.front(), std::byte{10});
  EXPECT_EQ(out.back(), std::byte{19});
}

}  // namespace
}  // namespace vhdboot::core
