// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "base/units.h"

namespace vhdboot {
namespace {

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();
constexpr std::array<std::byte, 9> kCount{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}, std::byte{5},
                                          std::byte{6}, std::byte{7}, std::byte{8}, std::byte{9}};

TEST(Bytes, SliceStaysWithin) {
  EXPECT_EQ(slice(kCount, 0, 9)->size(), 9u);
  EXPECT_EQ(slice(kCount, 9, 0)->size(), 0u);
  EXPECT_EQ(slice(kCount, 2, 3)->data(), kCount.data() + 2);
  EXPECT_FALSE(slice(kCount, 0, 10));
  EXPECT_FALSE(slice(kCount, 9, 1));
  EXPECT_FALSE(slice(kCount, 10, 0));
  EXPECT_FALSE(slice(kCount, kHuge, 2)) << "the sum would wrap round to 1";
  EXPECT_FALSE(slice(kCount, 2, kHuge));
  EXPECT_FALSE(slice({}, 0, 1));
  EXPECT_TRUE(slice({}, 0, 0));
}

TEST(Bytes, LoadsBothOrders) {
  EXPECT_EQ(load_le<std::uint8_t>(kCount, 8), 9);
  EXPECT_EQ(load_le<std::uint16_t>(kCount, 1), 0x0302);
  EXPECT_EQ(load_be<std::uint16_t>(kCount, 1), 0x0203);
  EXPECT_EQ(load_le<std::uint32_t>(kCount, 0), 0x04030201u);
  EXPECT_EQ(load_be<std::uint32_t>(kCount, 0), 0x01020304u);
  EXPECT_EQ(load_le<std::uint64_t>(kCount, 1), 0x0908070605040302u);
  EXPECT_EQ(load_be<std::uint64_t>(kCount, 1), 0x0203040506070809u);
  EXPECT_FALSE(load_le<std::uint64_t>(kCount, 2));
  EXPECT_FALSE(load_be<std::uint16_t>(kCount, 8));
  EXPECT_FALSE(load_le<std::uint8_t>(kCount, 9));
  EXPECT_FALSE(load_le<std::uint32_t>(kCount, kHuge - 1));
}

TEST(Bytes, LoadsAllOnesWithoutSignTrouble) {
  constexpr std::array<std::byte, 8> ones{std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF},
                                          std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF}};
  EXPECT_EQ(load_le<std::uint64_t>(ones, 0), kHuge);
  EXPECT_EQ(load_be<std::uint64_t>(ones, 0), kHuge);
  EXPECT_EQ(load_be<std::uint16_t>(ones, 0), 0xFFFF);
}

TEST(Bytes, StoresWhatItLoads) {
  std::array<std::byte, 12> room{};
  EXPECT_TRUE(store_le<std::uint64_t>(room, 4, 0x1122334455667788u));
  EXPECT_EQ(load_le<std::uint64_t>(room, 4), 0x1122334455667788u);
  EXPECT_EQ(load_be<std::uint64_t>(room, 4), 0x8877665544332211u);
  EXPECT_TRUE(store_be<std::uint32_t>(room, 0, 0xA0B0C0D0u));
  EXPECT_EQ(load_be<std::uint32_t>(room, 0), 0xA0B0C0D0u);
  EXPECT_TRUE(store_le<std::uint16_t>(room, 10, 0xFFFE));

  const auto before = room;
  EXPECT_FALSE(store_le<std::uint32_t>(room, 9, 1));
  EXPECT_FALSE(store_be<std::uint32_t>(room, 9, 1));
  EXPECT_FALSE(store_le<std::uint16_t>(room, std::numeric_limits<std::size_t>::max(), 1));
  EXPECT_EQ(room, before);
}

TEST(Bytes, TextAndBack) {
  const std::string_view text("a\0b", 3);
  EXPECT_EQ(as_text(as_bytes(text)), text);
  EXPECT_EQ(as_text({}), "");
}

TEST(Units, AlignUp) {
  EXPECT_EQ(align_up(0, 4096), 0u);
  EXPECT_EQ(align_up(1, 4096), 4096u);
  EXPECT_EQ(align_up(4096, 4096), 4096u);
  EXPECT_EQ(align_up(4097, 512), 4608u);
  static_assert(align_up(7, 1) == 7);
  static_assert(kTiB == 1ull << 40);
}

}  // namespace
}  // namespace vhdboot
