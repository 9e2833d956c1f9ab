// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/pe_sections.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/unit/efi/pe_image.h"

namespace vhdboot::efi {
namespace {

using namespace test;

std::optional<std::string> section(Bytes image, std::string_view name) {
  const auto found = find_section(image, name);
  if (!found) return std::nullopt;
  return std::string(as_text(*found));
}

Buffer sample() {
  return pe_image(
      {{".text", "code"}, {".linux", "kernel"}, {".cmdline", "quiet"}, {".initrd", ""}, {".linux", "second"}});
}

TEST(PeSections, FindsByNameAndTakesVirtualSize) {
  EXPECT_EQ(section(sample(), ".linux"), "kernel") << "the first of them, without its padding";
  EXPECT_EQ(section(sample(), ".cmdline"), "quiet") << "eight characters leave no room for a NUL";
  EXPECT_EQ(section(sample(), ".initrd"), "");
}

TEST(PeSections, NamesMatchAsAWhole) {
  EXPECT_EQ(section(sample(), ".linu"), std::nullopt);
  EXPECT_EQ(section(sample(), ".linux2"), std::nullopt);
  EXPECT_EQ(section(sample(), ".cmdline2"), std::nullopt);
  EXPECT_EQ(section(sample(), ""), std::nullopt);
  EXPECT_EQ(section(sample(), ".osrel"), std::nullopt);
}

TEST(PeSections, MustLieWithinTheImage) {
  Buffer image = sample();
  const std::size_t linux_header = kSectionTable + 40;
  ASSERT_TRUE(store_le<std::uint32_t>(image, linux_header + 8, 0xFFFFFFFF));
  EXPECT_EQ(section(image, ".linux"), std::nullopt) << "size";
  image = sample();
  ASSERT_TRUE(store_le<std::uint32_t>(image, linux_header + 12, 0xFFFFFFF0));
  EXPECT_EQ(section(image, ".linux"), std::nullopt) << "address";
  image = sample();
  ASSERT_TRUE(store_le<std::uint32_t>(image, linux_header + 12, static_cast<std::uint32_t>(image.size() - 5)));
  EXPECT_EQ(section(image, ".linux"), std::nullopt) << "one byte too far";
  ASSERT_TRUE(store_le<std::uint32_t>(image, linux_header + 12, static_cast<std::uint32_t>(image.size() - 6)));
  EXPECT_TRUE(section(image, ".linux"));
}

TEST(PeSections, HeadersMustBeThere) {
  EXPECT_EQ(section({}, ".linux"), std::nullopt);
  Buffer image = sample();
  image[1] = std::byte{'z'};
  EXPECT_EQ(section(image, ".linux"), std::nullopt) << "no MZ";
  image = sample();
  image[kPeHeader + 2] = std::byte{1};
  EXPECT_EQ(section(image, ".linux"), std::nullopt) << "no PE";
  image = sample();
  ASSERT_TRUE(store_le<std::uint32_t>(image, 0x3C, 0xFFFFFFFF));
  EXPECT_EQ(section(image, ".linux"), std::nullopt) << "PE header out of bounds";
}

// Whatever is cut off, nothing outside is read (the sanitizer watches).
TEST(PeSections, EveryLengthIsSafe) {
  const Buffer image = sample();
  for (std::size_t size = 0; size < kSectionTable + 240; ++size) {
    const Buffer cut(image.begin(), image.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(section(cut, ".linux"), std::nullopt) << size;
  }
}

TEST(PeSections, MoreSectionsThanThereIsRoomFor) {
  Buffer image = sample();
  ASSERT_TRUE(store_le<std::uint16_t>(image, kPeHeader + 6, 0xFFFF));
  EXPECT_EQ(section(image, ".nothere"), std::nullopt);
  ASSERT_TRUE(store_le<std::uint16_t>(image, kPeHeader + 20, 0xFFFF));
  EXPECT_EQ(section(image, ".linux"), std::nullopt);
}

}  // namespace
}  // namespace vhdboot::efi
