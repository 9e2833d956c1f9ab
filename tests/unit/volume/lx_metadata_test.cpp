// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/lx_metadata.h"

#include <gmock/gmock.h>

#include <string>

#include "tests/unit/volume/lx_bytes.h"

namespace vhdboot::volume {
namespace {

using test::entry;
using test::le;
using test::lxattrb;
using testing::ElementsAre;
using testing::IsEmpty;

Result<LxMetadata> decode(const std::string& list, LxGeneration generation) {
  const auto attributes = parse_extended_attributes(as_bytes(list));
  if (!attributes) return std::unexpected(attributes.error());
  return lx_metadata(*attributes, generation);
}

std::vector<std::byte> bytes_of(std::string_view text) {
  return {as_bytes(text).begin(), as_bytes(text).end()};
}

TEST(ExtendedAttributes, AreThoseOfTheList) {
  const std::string list = entry("A", "") + entry("LONGER", "value") + entry("B", "12");
  const auto found = parse_extended_attributes(as_bytes(list));
  ASSERT_TRUE(found) << found.error().text;
  ASSERT_EQ(found->size(), 3u);
  EXPECT_EQ((*found)[1].name, "LONGER");
  EXPECT_EQ(as_text((*found)[1].value), "value");
  EXPECT_EQ(as_text((*found)[2].value), "12");
  EXPECT_THAT(*parse_extended_attributes({}), IsEmpty());
}

TEST(ExtendedAttributes, TheLastMayTellNoNextOne) {
  std::string list = entry("A", "1") + entry("B", "2");
  list.replace(entry("A", "1").size(), 4, le<std::uint32_t>(0));
  EXPECT_EQ(parse_extended_attributes(as_bytes(list))->size(), 2u);
}

TEST(ExtendedAttributes, EveryCutIsSeen) {
  const std::string list = entry("FIRST", "123") + entry("SECOND", "4567");
  const std::size_t first = entry("FIRST", "123").size();
  // Of the second one only the bytes that fill it up may be missing.
  const std::size_t needed = first + 8 + 6 + 1 + 4;
  for (std::size_t size = 1; size < list.size(); ++size) {
    const auto found = parse_extended_attributes(as_bytes(std::string_view(list).substr(0, size)));
    const bool whole = size >= needed || (size >= 17 && size <= first);
    EXPECT_EQ(found.has_value(), whole) << size;
  }
}

TEST(ExtendedAttributes, NoneLeadsBack) {
  for (const std::uint32_t next : {1u, 8u, 13u, 0xFFFFFFFFu}) {
    std::string list = entry("ABCD", "xy");
    list.replace(0, 4, le(next));
    const auto found = parse_extended_attributes(as_bytes(list));
    // One that leads out of the list is the last.
    EXPECT_EQ(found.has_value(), next == 0xFFFFFFFF) << next;
  }
  std::string nameless = entry("ABCD", "xy");
  nameless[5] = 0;
  EXPECT_FALSE(parse_extended_attributes(as_bytes(nameless)));
}

TEST(LxMetadata, OfLxFs) {
  const std::string list = entry("LXATTRB", lxattrb(0100755, 1000, 100, 8u << 20 | 17, 11, 22, 1'500'000'000, -5));
  const auto found = decode(list, LxGeneration::LxFs);
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->mode, 0100755u);
  EXPECT_EQ(found->uid, 1000u);
  EXPECT_EQ(found->gid, 100u);
  EXPECT_EQ(found->device, (LxDevice{8, 17}));
  EXPECT_EQ(found->accessed, (UnixTime{1'500'000'000, 11}));
  EXPECT_EQ(found->modified, (UnixTime{-5, 22}));
  // The other generation's are passed over.
  EXPECT_EQ(*decode(list, LxGeneration::WslFs), LxMetadata{});
  EXPECT_EQ(*decode(list, LxGeneration::None), LxMetadata{});
}

TEST(LxMetadata, LxFsOfAnotherForm) {
  const std::string good = lxattrb(0100644, 0, 0, 0, 0, 0, 0, 0);
  EXPECT_TRUE(decode(entry("LXATTRB", good), LxGeneration::LxFs));
  EXPECT_FALSE(decode(entry("LXATTRB", good.substr(1)), LxGeneration::LxFs));
  EXPECT_FALSE(decode(entry("LXATTRB", good + "x"), LxGeneration::LxFs));
  EXPECT_FALSE(decode(entry("LXATTRB", ""), LxGeneration::LxFs));
  EXPECT_FALSE(decode(entry("LXATTRB", "\1" + good.substr(1)), LxGeneration::LxFs));
  EXPECT_FALSE(decode(entry("LXATTRB", lxattrb(0100644, 0, 0, 0, 1'000'000'000, 0, 0, 0)), LxGeneration::LxFs));
}

std::string lxxattr_entry(std::uint32_t next, std::string_view name, std::string_view value) {
  return le(next) + le(static_cast<std::uint16_t>(value.size())) + le(static_cast<std::uint8_t>(name.size())) +
         std::string(name) + std::string(value);
}

TEST(LxMetadata, AttributesOfLxFs) {
  const std::string head = le(1u << 16);
  const std::string first = lxxattr_entry(16, "USER.A", "1");
  const std::string value = head + first + std::string(16 - first.size(), '\0') + lxxattr_entry(0, "user.Bc", "23");
  const auto found = decode(entry("LXXATTR", value), LxGeneration::LxFs);
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_THAT(found->attributes,
              ElementsAre(LxAttribute{"user.a", bytes_of("1")}, LxAttribute{"user.Bc", bytes_of("23")}));
  for (std::size_t size = 0; size < value.size(); ++size)
    EXPECT_FALSE(decode(entry("LXXATTR", std::string_view(value).substr(0, size)), LxGeneration::LxFs)) << size;
  // One that leads back into itself.
  EXPECT_FALSE(decode(entry("LXXATTR", head + lxxattr_entry(4, "user.a", "1")), LxGeneration::LxFs));
}

TEST(LxMetadata, OfWslFs) {
  const std::string list = entry("$LXUID", le(1000u)) + entry("$LXGID", le(100u)) + entry("$LXMOD", le(020600u)) +
                           entry("$LXDEV", le(8u) + le(17u)) + entry("LX.SECURITY.CAPABILITY", "lxea\1\2") +
                           entry("$KERNEL.PURGE.X", "Windows' own");
  const auto found = decode(list, LxGeneration::WslFs);
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->mode, 020600u);
  EXPECT_EQ(found->uid, 1000u);
  EXPECT_EQ(found->gid, 100u);
  EXPECT_EQ(found->device, (LxDevice{8, 17}));
  EXPECT_FALSE(found->modified);
  EXPECT_THAT(found->attributes, ElementsAre(LxAttribute{"security.capability", bytes_of("\1\2")}));
  EXPECT_EQ(*decode(list, LxGeneration::LxFs), LxMetadata{});
}

TEST(LxMetadata, WslFsOfAnotherForm) {
  EXPECT_FALSE(decode(entry("$LXUID", "123"), LxGeneration::WslFs));
  EXPECT_FALSE(decode(entry("$LXGID", ""), LxGeneration::WslFs));
  EXPECT_FALSE(decode(entry("$LXMOD", "12345"), LxGeneration::WslFs));
  EXPECT_FALSE(decode(entry("$LXDEV", le(8u)), LxGeneration::WslFs));
  EXPECT_FALSE(decode(entry("LX.USER.A", "lxe"), LxGeneration::WslFs));
  EXPECT_FALSE(decode(entry("LX.USER.A", "xxxx1"), LxGeneration::WslFs));
  EXPECT_TRUE(decode(entry("LX.USER.A", "lxea"), LxGeneration::WslFs));
}

TEST(LxMetadata, GenerationsAreTold) {
  const auto of = [](const std::string& list) { return generation_of(*parse_extended_attributes(as_bytes(list))); };
  EXPECT_EQ(of(""), LxGeneration::None);
  EXPECT_EQ(of(entry("$LXDEV", "")), LxGeneration::None);
  EXPECT_EQ(of(entry("LXATTRB", "")), LxGeneration::LxFs);
  EXPECT_EQ(of(entry("$LXMOD", "")), LxGeneration::WslFs);
  EXPECT_EQ(of(entry("LXATTRB", "") + entry("$LXUID", "")), LxGeneration::WslFs);
}

}  // namespace
}  // namespace vhdboot::volume
