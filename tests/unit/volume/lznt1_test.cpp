// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/lznt1.h"

#include <gmock/gmock.h>

#include <string>

#include "init/volume/compressed_source.h"
#include "tests/unit/volume/lx_bytes.h"

namespace vhdboot::volume {
namespace {

using test::le;

/// A compressed chunk.
std::string chunk(std::string_view data) {
  return le(static_cast<std::uint16_t>(0xB000 | (data.size() - 1))) + std::string(data);
}

std::string stored(std::string_view data) {
  return le(static_cast<std::uint16_t>(0x3000 | (data.size() - 1))) + std::string(data);
}

Result<std::string> decompress(std::string_view data, std::size_t size) {
  auto out = lznt1_decompress(as_bytes(data), size);
  if (!out) return std::unexpected(out.error());
  return std::string(as_text(*out));
}

/// The text as it was compressed for [MS-XCA] 3.2, example 2.
TEST(Lznt1, TheExampleOfTheSpecification) {
  const unsigned char bytes[] = {0x38, 0xb0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00,
                                 0x10, 0xa2, 0x47, 0x01, 0xa0, 0x45, 0x20, 0x44, 0x00, 0x08, 0x45, 0x01,
                                 0x50, 0x79, 0x00, 0xc0, 0x45, 0x20, 0x05, 0x24, 0x13, 0x88, 0x05, 0xb4,
                                 0x02, 0x4a, 0x44, 0xef, 0x03, 0x58, 0x02, 0x8c, 0x09, 0x16, 0x01, 0x48,
                                 0x45, 0x00, 0xbe, 0x00, 0x9e, 0x00, 0x04, 0x01, 0x18, 0x90, 0x00};
  const std::string_view text =
      "F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G F# E D E A F# "
      "F# "
      "G A A G F# E D D E F# E D D";
  const auto out = decompress({reinterpret_cast<const char*>(bytes), sizeof(bytes)}, 4096);
  ASSERT_TRUE(out) << out.error().text;
  EXPECT_EQ(out->substr(0, out->find('\0')), text);
}

TEST(Lznt1, ARunOverlapsItself) {
  // One letter, then 4095 of what is one back: 12 bits of length from the first byte on.
  EXPECT_EQ(*decompress(chunk(std::string("\2") + "a" + le(std::uint16_t{0x0FFC})), 4096), std::string(4096, 'a'));
  EXPECT_FALSE(decompress(chunk(std::string("\2") + "a" + le(std::uint16_t{0x0FFD})), 4096)) << "beyond the chunk";
}

TEST(Lznt1, WhatIsMissingIsZeros) {
  const std::string one(4096, 'x');
  EXPECT_EQ(*decompress(stored(one) + chunk(std::string("\0ab", 3)) + stored(one), 3 * 4096 + 5),
            one + "ab" + std::string(4094, '\0') + one + std::string(5, '\0'));
  EXPECT_EQ(*decompress("", 7), std::string(7, '\0'));
  EXPECT_EQ(*decompress(std::string(2, '\0') + stored(one), 7), std::string(7, '\0'));
}

TEST(Lznt1, WhatCannotBe) {
  EXPECT_FALSE(decompress(chunk("\1\1\1"), 4096)) << "a copy of nothing";
  EXPECT_FALSE(decompress(chunk(std::string("\2") + "a" + le(std::uint16_t{0x1000})), 4096)) << "from before the chunk";
  EXPECT_FALSE(decompress(chunk(std::string("\2") + "a" + "x"), 4096)) << "half a copy";
  EXPECT_FALSE(decompress(le(std::uint16_t{0xB00F}) + "short", 4096));
  EXPECT_FALSE(decompress(stored(std::string(4096, 'x')), 4095));
}

TEST(CompressedSource, UnitsAreStoredCompressedOrNothing) {
  constexpr std::uint64_t kUnit = 8192;
  const std::string raw = std::string(5000, 'r') + std::string(kUnit - 5000, 's');
  std::string disk = raw + stored(std::string(4096, 'c')) + chunk(std::string("\2d", 2) + le(std::uint16_t{0x0FFC}));
  disk.resize(kUnit + 5000 + 512);
  const MemorySource partition(as_bytes(disk));
  const std::uint64_t size = 3 * kUnit + 100;
  // The second unit is nothing, the third compressed, and the first lies in two pieces.
  const std::vector<Extent> extents{{0, 0, 4096}, {4096, 4096, 4096}, {2 * kUnit, kUnit, 4608}};
  const CompressedSource source(partition, extents, kUnit, size, size);
  std::string out(static_cast<std::size_t>(size), '?');
  ASSERT_TRUE(source.read(0, std::as_writable_bytes(std::span(out))));
  EXPECT_EQ(out,
            raw + std::string(kUnit, '\0') + std::string(4096, 'c') + std::string(4096, 'd') + std::string(100, '\0'));
  std::string some(2, '?');
  ASSERT_TRUE(source.read(2 * kUnit + 4095, std::as_writable_bytes(std::span(some))));
  EXPECT_EQ(some, "cd");
  EXPECT_FALSE(source.read(size - 1, std::as_writable_bytes(std::span(some))));
  const CompressedSource shorter(partition, extents, kUnit, size, 2 * kUnit + 4096);
  ASSERT_TRUE(shorter.read(2 * kUnit + 4095, std::as_writable_bytes(std::span(some))));
  EXPECT_EQ(some, std::string("c\0", 2));
  const CompressedSource torn(partition, {{0, 0, 1024}, {4096, 4096, 1024}}, kUnit, size, size);
  EXPECT_FALSE(torn.read(0, std::as_writable_bytes(std::span(some))));
}

}  // namespace
}  // namespace vhdboot::volume
