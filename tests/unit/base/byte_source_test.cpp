// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/byte_source.h"

#include <gmock/gmock.h>

#include <array>
#include <limits>
#include <string>

namespace vhdboot {
namespace {

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

std::string read(const ByteSource& source, std::uint64_t offset, std::size_t length) {
  std::string out(length, '?');
  const auto result = source.read(offset, std::as_writable_bytes(std::span(out)));
  return result ? out : "error: " + result.error().message();
}

TEST(MemorySource, ReadsWithinItsBytes) {
  const MemorySource source(as_bytes("0123456789"));
  EXPECT_EQ(source.size(), 10u);
  EXPECT_EQ(read(source, 0, 10), "0123456789");
  EXPECT_EQ(read(source, 9, 1), "9");
  EXPECT_EQ(read(source, 10, 0), "");
}

TEST(MemorySource, RefusesToReadPastTheEnd) {
  const MemorySource source(as_bytes("0123456789"));
  std::array<std::byte, 4> out{};
  for (const std::uint64_t offset : {std::uint64_t{7}, std::uint64_t{10}, std::uint64_t{11}, kHuge - 1, kHuge}) {
    const auto result = source.read(offset, out);
    ASSERT_FALSE(result) << offset;
    EXPECT_EQ(result.error().code, Code::Corrupt);
  }
  EXPECT_THAT(out, testing::Each(std::byte{0}));
}

TEST(SliceSource, CountsFromItsOwnStart) {
  const MemorySource disk(as_bytes("0123456789"));
  const SliceSource part(disk, 3, 4);
  EXPECT_EQ(part.size(), 4u);
  EXPECT_EQ(read(part, 0, 4), "3456");
  EXPECT_EQ(read(part, 1, 2), "45");
  EXPECT_THAT(read(part, 3, 2), testing::StartsWith("error: ")) << "the parent has those bytes, the slice has not";
  EXPECT_THAT(read(part, kHuge, 2), testing::StartsWith("error: "));
  const SliceSource nested(part, 1, 2);
  EXPECT_EQ(read(nested, 0, 2), "45");
}

TEST(SliceSource, IsCutToItsParent) {
  const MemorySource disk(as_bytes("0123456789"));
  EXPECT_EQ(SliceSource(disk, 8, 100).size(), 2u);
  EXPECT_EQ(SliceSource(disk, 8, kHuge).size(), 2u);
  EXPECT_EQ(read(SliceSource(disk, 8, kHuge), 0, 2), "89");
  EXPECT_EQ(SliceSource(disk, 10, 1).size(), 0u);
  EXPECT_EQ(SliceSource(disk, kHuge, kHuge).size(), 0u);
}

}  // namespace
}  // namespace vhdboot
