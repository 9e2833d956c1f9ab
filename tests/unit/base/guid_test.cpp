// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/guid.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/base/oracle.h"

namespace vhdboot {
namespace {

constexpr Guid kEsp = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"_guid;
static_assert(std::string_view(to_text(kEsp).data(), 36) == "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");

std::string text(const Guid& guid) {
  const auto chars = to_text(guid);
  return {chars.data(), chars.size()};
}

TEST(Guid, IsStoredMixedEndian) {
  // The bytes of an EFI system partition's type in any GPT.
  EXPECT_EQ(as_text(kEsp.bytes),
            std::string_view("\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b", 16));
}

TEST(Guid, AgreesWithPython) {
  if (!test::have("/usr/bin/python3")) GTEST_SKIP() << "needs /usr/bin/python3";
  Guid guid;
  for (std::size_t i = 0; i < 16; ++i) guid.bytes[i] = static_cast<std::byte>(0xF0 - 13 * i);
  const test::ScratchFolder scratch;
  const auto file = scratch.write("guid", guid.bytes);
  EXPECT_EQ(test::output_of(
                "/usr/bin/python3 -c 'import sys,uuid; print(uuid.UUID(bytes_le=open(sys.argv[1],\"rb\").read()))' " +
                file.string()),
            text(guid) + "\n");
}

TEST(Guid, ReadsAnyCase) {
  EXPECT_EQ(parse_guid("C12A7328-F81F-11D2-BA4B-00A0C93EC93B"), kEsp);
  EXPECT_EQ(parse_guid("c12A7328-f81F-11d2-bA4b-00a0C93ec93b"), kEsp);
}

TEST(Guid, RefusesEverythingElse) {
  EXPECT_FALSE(parse_guid(""));
  EXPECT_FALSE(parse_guid("c12a7328-f81f-11d2-ba4b-00a0c93ec93"));
  EXPECT_FALSE(parse_guid("c12a7328-f81f-11d2-ba4b-00a0c93ec93b0"));
  EXPECT_FALSE(parse_guid("{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}"));
  EXPECT_FALSE(parse_guid("c12a7328f81f-11d2-ba4b-00a0-c93ec93b1"));
  EXPECT_FALSE(parse_guid("c12a7328-f81f-11d2-ba4b-00a0c93ec93g"));
  EXPECT_FALSE(parse_guid("c12a7328-f81f-11d2-ba4b-00a0c93ec9 b"));
  EXPECT_FALSE(parse_guid("c12a7328+f81f-11d2-ba4b-00a0c93ec93b"));
  EXPECT_FALSE(parse_guid("12345678-01"));
}

TEST(Guid, LoadsFromBytes) {
  std::array<std::byte, 20> room{};
  for (std::size_t i = 0; i < 16; ++i) room[3 + i] = kEsp.bytes[i];
  EXPECT_EQ(load_guid(room, 3), kEsp);
  EXPECT_NE(load_guid(room, 4), kEsp);
  EXPECT_FALSE(load_guid(room, 5));
  EXPECT_FALSE(load_guid(room, ~std::uint64_t{0}));
}

TEST(Guid, KnowsZero) {
  EXPECT_TRUE(Guid{}.is_zero());
  EXPECT_FALSE(kEsp.is_zero());
  EXPECT_TRUE("00000000-0000-0000-0000-000000000000"_guid.is_zero());
  EXPECT_FALSE("00000000-0000-0000-0000-000000000001"_guid.is_zero());
}

}  // namespace
}  // namespace vhdboot
