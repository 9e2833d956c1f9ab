// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/footer.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace vhdboot::vhd {
namespace {

constexpr Guid kUuid = "00112233-4455-6677-8899-aabbccddeeff"_guid;

std::string hex(Bytes bytes) {
  std::string out;
  for (const std::byte b : bytes) out += to_hex(std::to_integer<unsigned>(b), 2);
  return out;
}

Footer footer_of(std::uint64_t size) {
  return make_fixed_footer(size, kUuid, kVhdEpoch + 0x01020304).value();
}

TEST(Footer, LaysOutEveryFieldAsTheSpecificationSays) {
  const FooterBytes bytes = serialise(footer_of(64 * kMiB));
  EXPECT_EQ(hex(Bytes(bytes).first(85)),
            "636f6e6563746978"  // conectix
            "00000002"
            "00010000"
            "ffffffffffffffff"
            "01020304"
            "77696e20"  // "win "
            "000a0000"
            "5769326b"  // Wi2k
            "0000000004000000"
            "0000000004000000"
            "03c30811"  // 963 cylinders, 8 heads, 17 sectors
            "00000002"
            "ffffe8e7"
            "00112233445566778899aabbccddeeff"
            "00");
  for (std::size_t i = 85; i < bytes.size(); ++i) EXPECT_EQ(bytes[i], std::byte{0}) << i;
}

TEST(Footer, ChecksumIsTheComplementOfTheSumOfAllOtherBytes) {
  FooterBytes bytes = serialise(footer_of(10 * kGiB));
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (i < 64 || i > 67) sum += std::to_integer<std::uint32_t>(bytes[i]);
  EXPECT_EQ(load_be<std::uint32_t>(bytes, 64), ~sum);
}

TEST(Footer, ComesBackFromItsBytes) {
  const Footer footer = footer_of(kMaxPayload);
  const auto parsed = parse_footer(serialise(footer));
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, footer);
}

TEST(Footer, KeepsForeignFields) {
  Footer footer = footer_of(kMiB);
  footer.creator = {'v', 'b', 'o', 'x'};
  footer.creator_os = {'M', 'a', 'c', ' '};
  footer.type = DiskType::Differencing;
  footer.data_offset = 512;
  footer.features = 3;
  footer.saved_state = true;
  footer.original_size = kMiB / 2;
  const auto parsed = parse_footer(serialise(footer));
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, footer);
}

TEST(Footer, AnyBrokenBitIsNoticed) {
  const FooterBytes good = serialise(footer_of(kGiB));
  for (std::size_t i = 0; i < good.size(); ++i) {
    FooterBytes bad = good;
    bad[i] ^= std::byte{0x10};
    const auto parsed = parse_footer(bad);
    ASSERT_FALSE(parsed) << "byte " << i;
    EXPECT_EQ(parsed.error().code, i < 8 ? Code::NotFound : Code::Corrupt) << "byte " << i;
  }
}

TEST(Footer, WhatIsTooShortIsNone) {
  const FooterBytes good = serialise(footer_of(kGiB));
  EXPECT_EQ(parse_footer(Bytes(good).first(511)).error().code, Code::NotFound);
  EXPECT_EQ(parse_footer({}).error().code, Code::NotFound);
}

FooterBytes with_field(std::size_t offset, std::uint32_t value) {
  FooterBytes bytes = serialise(footer_of(kGiB));
  static_cast<void>(store_be<std::uint32_t>(bytes, offset, value));
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (i < 64 || i > 67) sum += std::to_integer<std::uint32_t>(bytes[i]);
  static_cast<void>(store_be<std::uint32_t>(bytes, 64, ~sum));
  return bytes;
}

TEST(Footer, UnknownVersionsAndTypesAreUnsupported) {
  EXPECT_EQ(parse_footer(with_field(12, 0x00020000)).error().code, Code::Unsupported);
  EXPECT_TRUE(parse_footer(with_field(12, 0x00010001)));
  for (const std::uint32_t type : {0u, 1u, 5u, 6u, 0xFFFFFFFFu})
    EXPECT_EQ(parse_footer(with_field(60, type)).error().code, Code::Unsupported) << type;
}

TEST(Footer, RefusesSizesThatNoVhdHas) {
  EXPECT_FALSE(make_fixed_footer(0, kUuid, 0));
  EXPECT_FALSE(make_fixed_footer(1000, kUuid, 0));
  EXPECT_TRUE(make_fixed_footer(kMaxPayload, kUuid, 0));
  EXPECT_FALSE(make_fixed_footer(kMaxPayload + 512, kUuid, 0));
  EXPECT_FALSE(resized(footer_of(kMiB), kMaxPayload + 512));
}

TEST(Footer, TimeStaysWithinItsField) {
  EXPECT_EQ(make_fixed_footer(kMiB, kUuid, 0)->timestamp, 0u);
  EXPECT_EQ(make_fixed_footer(kMiB, kUuid, kVhdEpoch + 5)->timestamp, 5u);
  EXPECT_EQ(make_fixed_footer(kMiB, kUuid, std::int64_t{1} << 60)->timestamp, 0xFFFFFFFFu);
}

TEST(Footer, ResizedKeepsWhoTheDiskIs) {
  Footer footer = footer_of(kMiB);
  footer.creator = {'v', 'p', 'c', ' '};
  const Footer grown = resized(footer, kGiB).value();
  EXPECT_EQ(grown.uuid, footer.uuid);
  EXPECT_EQ(grown.timestamp, footer.timestamp);
  EXPECT_EQ(grown.original_size, kGiB);
  EXPECT_EQ(grown.current_size, kGiB);
  EXPECT_EQ(grown.geometry, geometry_of(kGiB));
  EXPECT_EQ(std::string(grown.creator.data(), 4), "win ");
}

}  // namespace
}  // namespace vhdboot::vhd
