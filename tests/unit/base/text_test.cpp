// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.h"

#include <gmock/gmock.h>

namespace vhdboot {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Text, Concat) {
  EXPECT_EQ(concat(), "");
  EXPECT_EQ(concat("sector ", 7, " of ", std::string("disk"), '!'), "sector 7 of disk!");
  EXPECT_EQ(concat(-1, ' ', ~std::uint64_t{0}), "-1 18446744073709551615");
  EXPECT_EQ(concat(std::string_view(), 'c', std::uint8_t{200}, std::int64_t{INT64_MIN}, std::string_view("a\0b", 3)),
            std::string("c200-9223372036854775808a\0b", 27));
}

TEST(Text, Trim) {
  EXPECT_EQ(trim(" \t\r\n a b \n"), "a b");
  EXPECT_EQ(trim(" \t "), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim("\va\v"), "\va\v") << "only space, tab, CR, LF are blanks";
}

TEST(Text, Split) {
  EXPECT_THAT(split("a,b,,c", ','), ElementsAre("a", "b", "", "c"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_THAT(split(",", ','), ElementsAre("", ""));
  EXPECT_THAT(split_words("  root=/dev/sda1\tquiet \n"), ElementsAre("root=/dev/sda1", "quiet"));
  EXPECT_THAT(split_words(" \t\n"), IsEmpty());
}

TEST(Text, SplitLines) {
  EXPECT_THAT(split_lines(""), IsEmpty());
  EXPECT_THAT(split_lines("a"), ElementsAre("a"));
  EXPECT_THAT(split_lines("a\n"), ElementsAre("a"));
  EXPECT_THAT(split_lines("a\r\nb\n\nc\r"), ElementsAre("a", "b", "", "c"));
  EXPECT_THAT(split_lines("\n"), ElementsAre(""));
  EXPECT_THAT(split_lines("a\rb\n"), ElementsAre("a\rb"));
}

TEST(Text, ParseU64) {
  EXPECT_EQ(parse_u64("0"), 0u);
  EXPECT_EQ(parse_u64("18446744073709551615"), ~std::uint64_t{0});
  EXPECT_EQ(parse_u64("ff", 16), 255u);
  EXPECT_EQ(parse_u64("FFFFFFFFFFFFFFFF", 16), ~std::uint64_t{0});
  for (const auto* bad : {"", " 1", "1 ", "+1", "-1", "1k", "0x10", "18446744073709551616", "99999999999999999999999"})
    EXPECT_FALSE(parse_u64(bad)) << bad;
  EXPECT_FALSE(parse_u64("0x10", 16));
  EXPECT_FALSE(parse_u64("10000000000000000", 16));
}

TEST(Text, AsciiCaseLeavesOtherBytesAlone) {
  EXPECT_EQ(to_lower_ascii("AZaz@[`{ \xC3\x84"), "azaz@[`{ \xC3\x84");
  EXPECT_EQ(to_upper_ascii("AZaz@[`{ \xC3\xA4"), "AZAZ@[`{ \xC3\xA4");
  EXPECT_TRUE(ends_with_ignoring_ascii_case("Debian.EFI", ".efi"));
  EXPECT_FALSE(ends_with_ignoring_ascii_case("efi", ".efi"));
  EXPECT_TRUE(equals_ignoring_ascii_case("Debian.EFI", "debian.efi"));
  EXPECT_FALSE(equals_ignoring_ascii_case("debian", "debian.efi"));
  EXPECT_FALSE(equals_ignoring_ascii_case("@", "`")) << "they differ by 0x20 but are no letters";
}

TEST(Text, Hex) {
  EXPECT_EQ(to_hex(0xABC, 8), "00000abc");
  EXPECT_EQ(to_hex(0xABC, 2), "bc");
  EXPECT_EQ(to_hex(~std::uint64_t{0}, 16), "ffffffffffffffff");
  EXPECT_EQ(to_hex(1, 0), "");
}

TEST(Text, HumanSize) {
  EXPECT_EQ(human_size(0), "0 B");
  EXPECT_EQ(human_size(1023), "1023 B");
  EXPECT_EQ(human_size(1024), "1 KiB");
  EXPECT_EQ(human_size(1536), "1.5 KiB");
  EXPECT_EQ(human_size(1024 * 1024 - 1), "1023.9 KiB");
  EXPECT_EQ(human_size(std::uint64_t{3} << 30), "3 GiB");
  EXPECT_EQ(human_size(~std::uint64_t{0}), "16383.9 PiB");
}

TEST(Text, PrintableKeepsTheTerminalSafe) {
  EXPECT_EQ(printable("plain"), "plain");
  EXPECT_EQ(printable("f\xC3\xBCr"), "f\xC3\xBCr");
  EXPECT_EQ(printable("\x1b[2J\n\x7f"), "?[2J??");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "?31m")
      << "U+009B is a control sequence introducer too";
  EXPECT_EQ(printable("a\xFF\xC3"), "a??");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "?");
}

TEST(Text, Utf16RefusesMalformedUtf8) {
  EXPECT_EQ(to_utf16(""), u"");
  EXPECT_EQ(to_utf16("a\xF0\x9F\x90\xA7"), u"a\U0001F427");
  for (const auto* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xC3", "\xE2\x82", "\xF0\x9F\x90"})
    EXPECT_FALSE(to_utf16(bad)) << printable(bad);
}

TEST(Text, Utf8ReplacesUnpairedSurrogates) {
  EXPECT_EQ(to_utf8(u"a\U0001F427"), "a\xF0\x9F\x90\xA7");
  const char16_t lone_high[] = {u'a', 0xD83D, u'b'};
  EXPECT_EQ(to_utf8({lone_high, 3}),
            "a\xEF\xBF\xBD"
            "b");
  const char16_t lone_low[] = {0xDC27};
  EXPECT_EQ(to_utf8({lone_low, 1}), "\xEF\xBF\xBD");
  const char16_t high_at_end[] = {0xD83D};
  EXPECT_EQ(to_utf8({high_at_end, 1}), "\xEF\xBF\xBD");
  const char16_t swapped[] = {0xDC27, 0xD83D};
  EXPECT_EQ(to_utf8({swapped, 2}), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

}  // namespace
}  // namespace vhdboot
