// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/crc32.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/base/oracle.h"

namespace vhdboot {
namespace {

constexpr std::array<std::byte, 9> kDigits{std::byte{'1'}, std::byte{'2'}, std::byte{'3'},
                                           std::byte{'4'}, std::byte{'5'}, std::byte{'6'},
                                           std::byte{'7'}, std::byte{'8'}, std::byte{'9'}};
static_assert(crc32(kDigits) == 0xCBF43926u, "the check value of CRC-32/ISO-HDLC");
static_assert(crc32c(kDigits) == 0xE3069283u, "the check value of CRC-32/ISCSI");

TEST(Crc32, KnownValues) {
  EXPECT_EQ(crc32({}), 0u);
  EXPECT_EQ(crc32(as_bytes("a")), 0xE8B7BE43u);
  EXPECT_EQ(crc32(as_bytes("The quick brown fox jumps over the lazy dog")), 0x414FA339u);
  EXPECT_EQ(crc32(std::vector<std::byte>(32)), 0x190A55ADu);
  EXPECT_EQ(crc32(std::vector<std::byte>(32, std::byte{0xFF})), 0xFF6CAB0Bu);
}

TEST(Crc32, ContinuesAtAnyPlace) {
  const auto all = as_bytes("The quick brown fox jumps over the lazy dog");
  for (std::size_t cut = 0; cut <= all.size(); ++cut)
    EXPECT_EQ(crc32(all.subspan(cut), crc32(all.first(cut))), 0x414FA339u) << cut;
}

TEST(Crc32, AgreesWithZlib) {
  if (!test::have("/usr/bin/python3")) GTEST_SKIP() << "needs /usr/bin/python3";
  std::vector<std::byte> bytes(70'001);
  std::uint32_t state = 1;
  for (auto& b : bytes) b = static_cast<std::byte>((state = state * 1664525u + 1013904223u) >> 24);
  const test::ScratchFolder scratch;
  const auto file = scratch.write("bytes", bytes);
  EXPECT_EQ(
      test::output_of("/usr/bin/python3 -c 'import sys,zlib; print(zlib.crc32(open(sys.argv[1],\"rb\").read()))' " +
                      file.string()),
      std::to_string(crc32(bytes)) + "\n");
}

TEST(Crc32c, ExamplesOfRfc3720) {
  EXPECT_EQ(crc32c({}), 0u);
  EXPECT_EQ(crc32c(std::vector<std::byte>(32)), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::vector<std::byte>(32, std::byte{0xFF})), 0x62A8AB43u);
}

}  // namespace
}  // namespace vhdboot
