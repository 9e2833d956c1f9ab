// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/fixed_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace vhdboot::efi {
namespace {

TEST(FixedText, ConcatenatesParts) {
  EXPECT_EQ((FixedText<40>("a", 'b', U'\u00fc', 7u, std::string_view("!")).view()), "ab\u00fc7!");
  EXPECT_EQ(FixedText<40>(std::numeric_limits<std::uint64_t>::max()).view(), "18446744073709551615");
  EXPECT_EQ(FixedText<40>(0u).view(), "0");
  EXPECT_TRUE(FixedText<4>().empty());
}

TEST(FixedText, NeverCutsAPart) {
  const FixedText<4> text("abc", U'\u00fc', "d");
  EXPECT_EQ(text.view(), "abc") << "nor goes on after one that did not fit";
  EXPECT_TRUE(text.truncated());
  EXPECT_FALSE(FixedText<4>("abcd").truncated());
}

TEST(FixedText, Hex) {
  FixedText<40> text;
  text.put_hex(0xAB, 4);
  text.put(' ');
  text.put_hex(0xABCDE, 2, FixedText<40>::kUpperDigits);
  text.put(' ');
  text.put_hex(std::numeric_limits<std::uint64_t>::max(), 1);
  EXPECT_EQ(text.view(), "00ab ABCDE ffffffffffffffff");
}

}  // namespace
}  // namespace vhdboot::efi
