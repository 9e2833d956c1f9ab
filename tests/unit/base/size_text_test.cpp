// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/size_text.h"

#include <gtest/gtest.h>

#include "base/units.h"

namespace vhdboot {
namespace {

TEST(ParseSize, TakesWhatPeopleType) {
  EXPECT_EQ(*parse_size("64G"), 64 * kGiB);
  EXPECT_EQ(*parse_size("512M"), 512 * kMiB);
  EXPECT_EQ(*parse_size("2t"), 2 * kTiB);
  EXPECT_EQ(*parse_size("1k"), kKiB);
  EXPECT_EQ(*parse_size("10GiB"), 10 * kGiB);
  EXPECT_EQ(*parse_size("1536"), 1536u);
}

TEST(ParseSize, RefusesTheRest) {
  for (const char* text : {"", "G", "64X", "64 G", "-1G", "+1G", "1.5G", "0", "0G", "64GB", "64iB", "0x10",
                           "99999999999999999999", "9999999999T", "18446744073709551615"})
    EXPECT_EQ(parse_size(text).error().code, Code::Invalid) << text;
}

TEST(ParseSize, NamesTheNextMultipleOf512) {
  EXPECT_NE(parse_size("513").error().text.find("1024"), std::string::npos);
}

TEST(ParseNewSize, IsRelativeWithAPlus) {
  EXPECT_EQ(*parse_new_size("+1G", 3 * kGiB), 4 * kGiB);
  EXPECT_EQ(*parse_new_size("1G", 3 * kGiB), kGiB);
  EXPECT_FALSE(parse_new_size("++1G", 0));
  EXPECT_FALSE(parse_new_size("+", 0));
}

}  // namespace
}  // namespace vhdboot
