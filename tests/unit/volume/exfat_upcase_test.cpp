// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/exfat_upcase.h"

#include <gmock/gmock.h>

namespace vhdboot::volume {
namespace {

using testing::HasSubstr;

std::vector<std::byte> table(std::initializer_list<unsigned> units) {
  std::vector<std::byte> out;
  for (const unsigned unit : units) {
    out.push_back(static_cast<std::byte>(unit & 0xFF));
    out.push_back(static_cast<std::byte>(unit >> 8));
  }
  return out;
}

Result<UpcaseTable> parse(const std::vector<std::byte>& bytes) {
  return UpcaseTable::parse(bytes, upcase_checksum(bytes));
}

TEST(Upcase, ExpandsRuns) {
  const auto upcase = parse(table({0xFFFF, 0x61, u'A', u'B', 0xFFFF, 2, u'E'}));
  ASSERT_TRUE(upcase);
  EXPECT_EQ(upcase->upcase(u"abcdef[\xFFFF\xD834"), u"ABcdEf[\xFFFF\xD834");
}

TEST(Upcase, RefusesAWrongChecksumAndTooMuch) {
  const auto bytes = table({0xFFFF, 0x61, u'A'});
  EXPECT_THAT(UpcaseTable::parse(bytes, upcase_checksum(bytes) + 1).error().text, HasSubstr("checksum"));
  EXPECT_TRUE(parse(table({0xFFFF, 0xFFFF, 0xFFFF, 1})));
  EXPECT_THAT(parse(table({0xFFFF, 0xFFFF, 0xFFFF, 2})).error().text, HasSubstr("too many"));
  EXPECT_THAT(parse(table({0xFFFF, 0xFFFF, 1, 1})).error().text, HasSubstr("too many"));
  EXPECT_TRUE(parse({}));
  EXPECT_EQ(parse(table({0xFFFF}))->upcase(u"a"), u"a");
}

TEST(Upcase, AnOddByteAtTheEndIsNothing) {
  auto bytes = table({0xFFFF, 0x61, u'A'});
  bytes.push_back(std::byte{1});
  EXPECT_EQ(parse(bytes)->upcase(u"ab"), u"Ab");
}

TEST(Upcase, Hash) {
  // Worked out by hand from 7.6.4.1: rotate right, then add, byte by byte.
  EXPECT_EQ(name_hash(u""), 0);
  EXPECT_EQ(name_hash(u"A"), 0x8020);
  EXPECT_EQ(name_hash(u"\x0100"), 0x0001);
}

}  // namespace
}  // namespace vhdboot::volume
