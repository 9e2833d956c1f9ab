// SPDX-License-Identifier: GPL-2.0-or-later
// The oracle is the C library's iconv.
#include "base/utf.h"

#include <gtest/gtest.h>
#include <iconv.h>

#include <optional>
#include <string>

namespace vhdboot::utf {
namespace {

class Iconv {
 public:
  Iconv(const char* to, const char* from) : handle_(iconv_open(to, from)) {}
  Iconv(const Iconv&) = delete;
  Iconv& operator=(const Iconv&) = delete;
  ~Iconv() { iconv_close(handle_); }

  /// All of `text` converted, or nothing when any of it is malformed.
  std::optional<std::string> operator()(std::string_view text) {
    std::string in(text), out(64, '\0');
    char* from = in.data();
    char* to = out.data();
    std::size_t from_left = in.size(), to_left = out.size();
    iconv(handle_, nullptr, nullptr, nullptr, nullptr);
    if (iconv(handle_, &from, &from_left, &to, &to_left) == static_cast<std::size_t>(-1)) return std::nullopt;
    out.resize(out.size() - to_left);
    return out;
  }

 private:
  iconv_t handle_;
};

std::string as_utf32(char32_t value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

TEST(Utf, EveryCodePointAgreesWithIconv) {
  Iconv to_8("UTF-8", "UTF-32LE"), to_16("UTF-16LE", "UTF-32LE");
  for (char32_t value = 0; value <= 0x10FFFF; ++value) {
    if (is_high_surrogate(value) || is_low_surrogate(value)) continue;
    const Utf8 in8(value);
    const Utf16 in16(value);
    const std::string_view bytes16(reinterpret_cast<const char*>(in16.view().data()), in16.view().size() * 2);
    ASSERT_EQ(to_8(as_utf32(value)), in8.view()) << std::hex << static_cast<unsigned>(value);
    ASSERT_EQ(to_16(as_utf32(value)), bytes16) << std::hex << static_cast<unsigned>(value);
    ASSERT_EQ(decode_utf8(in8.view()), (Decoded{value, in8.view().size()}));
    ASSERT_EQ(decode_utf16(in16.view()), (Decoded{value, in16.view().size()}));
  }
}

TEST(Utf, EveryPairOfBytesAgreesWithIconv) {
  Iconv from_8("UTF-32LE", "UTF-8");
  for (unsigned pair = 0; pair < 0x10000; ++pair) {
    const char bytes[] = {static_cast<char>(pair >> 8), static_cast<char>(pair)};
    const std::string_view text(bytes, 2);
    const Decoded first = decode_utf8(text);
    bool valid = first.length == 2;
    if (first.length == 1) valid = decode_utf8(text.substr(1)).length == 1;
    ASSERT_EQ(from_8(text).has_value(), valid) << std::hex << pair;
  }
}

// All three-byte sequences and the interesting four-byte ones: overlong, surrogate, too large, cut short.
TEST(Utf, LongerSequencesAgreeWithIconv) {
  Iconv from_8("UTF-32LE", "UTF-8");
  const auto check = [&](std::string_view text) {
    const Decoded got = decode_utf8(text);
    const auto want = from_8(text);
    ASSERT_EQ(want.has_value(), got.length == text.size()) << testing::PrintToString(text);
    if (want) {
      ASSERT_EQ(*want, as_utf32(got.value));
    }
  };
  constexpr unsigned kSecond[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
  for (unsigned first = 0xE0; first <= 0xFF; ++first) {
    for (const unsigned second : kSecond) {
      for (const unsigned third : kSecond) {
        const char three[] = {static_cast<char>(first), static_cast<char>(second), static_cast<char>(third)};
        if (first < 0xF0) check({three, 3});
        for (const unsigned fourth : kSecond) {
          const char four[] = {three[0], three[1], three[2], static_cast<char>(fourth)};
          if (first >= 0xF0) check({four, 4});
        }
      }
    }
  }
}

TEST(Utf, NothingAtTheFrontOfNothing) {
  EXPECT_EQ(decode_utf8({}), Decoded{});
  EXPECT_EQ(decode_utf16({}), Decoded{});
}

TEST(Utf, SurrogatesMustPair) {
  const char16_t high = 0xD800, low = 0xDFFF;
  EXPECT_EQ(decode_utf16(std::u16string{high, low}), (Decoded{0x103FF, 2}));
  EXPECT_EQ(decode_utf16(std::u16string{high}), Decoded{});
  EXPECT_EQ(decode_utf16(std::u16string{high, high}), Decoded{});
  EXPECT_EQ(decode_utf16(std::u16string{low}), Decoded{});
  EXPECT_EQ(decode_utf16(std::u16string{low, high}), Decoded{});
}

}  // namespace
}  // namespace vhdboot::utf
