// SPDX-License-Identifier: GPL-2.0-or-later
#include "efi/load_options.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/efi/device_paths.h"

namespace vhdboot::efi {
namespace {

using test::Buffer;
using test::utf16_bytes;

constexpr std::string_view kOwnPath = "/boot/debian.efi";

std::string text(Bytes raw, std::string_view own_path = kOwnPath) {
  const LoadOptions options = read_load_options(raw, own_path);
  EXPECT_FALSE(options.too_long);
  return std::string(options.text.view());
}

std::string text16(std::u16string_view raw, std::string_view own_path = kOwnPath) {
  return text(utf16_bytes(raw), own_path);
}

TEST(LoadOptions, Utf16WithAndWithoutNul) {
  EXPECT_EQ(text16(u"image=/boot/debian.vhd quiet"), "image=/boot/debian.vhd quiet");
  EXPECT_EQ(text16(std::u16string_view(u"image=/a.vhd\0", 13)), "image=/a.vhd");
  EXPECT_EQ(text16(std::u16string_view(u"image=/a.vhd\0garbage", 20)), "image=/a.vhd");
  EXPECT_EQ(text16(u"image=/\u7cfb\u7edf.vhd"), "image=/\u7cfb\u7edf.vhd");
}

TEST(LoadOptions, OddSizes) {
  Buffer odd = utf16_bytes(u"image=/a.vhd");
  odd.push_back(std::byte{0});
  EXPECT_EQ(text(odd), "image=/a.vhd");
  odd.back() = std::byte{0x41};
  EXPECT_EQ(text(odd), "image=/a.vhd");
  EXPECT_EQ(text(Buffer{std::byte{0}}), "");
  EXPECT_EQ(text(Buffer{std::byte{'x'}}), "x");
  EXPECT_EQ(text({}), "");
}

TEST(LoadOptions, EightBitText) {
  EXPECT_EQ(text(as_bytes("image=/boot/debian.vhd")), "image=/boot/debian.vhd") << "efibootmgr without --unicode";
  EXPECT_EQ(text(as_bytes(std::string_view("image=/a.vhd\0", 13))), "image=/a.vhd");
  EXPECT_EQ(text(as_bytes("image=/b\u00fccher.vhd")), "image=/b\u00fccher.vhd");
}

// Measured with Debian's GRUB 2.06: chainloader /debian.efi image=/b\u00fccher.vhd
TEST(LoadOptions, GrubWidensBytesByTheirSign) {
  EXPECT_EQ(text16(u"image=/b\uFFC3\uFFBCcher.vhd"), "image=/b\u00fccher.vhd");
  EXPECT_EQ(text16(u"image=/\uFFE7\uFFB3\uFFBB\uFFF0\uFF9F\uFF90\uFFA7"), "image=/\u7cfb\U0001F427");
  EXPECT_EQ(text16(u"image=/\uFF83\uFF9E\uFF8A.vhd"), "image=/\uFF83\uFF9E\uFF8A.vhd") << "katakana stay what they are";
  EXPECT_EQ(text16(u"image=/\uFFC3.vhd"), "image=/\uFFC3.vhd") << "no UTF-8";
  EXPECT_EQ(text16(u"image=/\uFFC3\uFFBC\u00fc"), "image=/\uFFC3\uFFBC\u00fc") << "GRUB writes no other character";
  EXPECT_EQ(text16(u"image=/a\uFFC2\uFF85serial"), "image=/a\uFFC2\uFF85serial") << "no control character by this way";
}

TEST(LoadOptions, OneLine) {
  EXPECT_EQ(text16(u"  a=1\r\n\tb=2 \n"), "a=1   b=2");
  EXPECT_EQ(text(as_bytes("a=1\nserial 1234")), "a=1 serial 1234") << "no line of its own in the record";
  EXPECT_EQ(text16(u" \t\r\n "), "");
}

TEST(LoadOptions, TheShellPutsTheCommandInFront) {
  EXPECT_EQ(text16(u"debian.efi image=/a.vhd"), "image=/a.vhd");
  EXPECT_EQ(text16(u"DEBIAN image=/a.vhd"), "image=/a.vhd");
  EXPECT_EQ(text16(u"FS0:\\boot\\Debian.EFI  image=/a.vhd"), "image=/a.vhd");
  EXPECT_EQ(text16(u"fs0:debian image=/a.vhd"), "image=/a.vhd");
  EXPECT_EQ(text16(u"\"FS0:\\my files\\debian.efi\" image=/a.vhd"), "image=/a.vhd");
  EXPECT_EQ(text16(u"debian.efi"), "");
  EXPECT_EQ(text16(u"\"debian.efi\""), "");
  EXPECT_EQ(text16(u"renamed.efi image=/a.vhd", ""), "image=/a.vhd") << "whatever our path is";
}

TEST(LoadOptions, OtherFirstWordsStay) {
  EXPECT_EQ(text16(u"image=/boot/debian.efi quiet"), "image=/boot/debian.efi quiet");
  EXPECT_EQ(text16(u"quiet debian.efi"), "quiet debian.efi");
  EXPECT_EQ(text16(u"debian-2 x=1"), "debian-2 x=1");
  EXPECT_EQ(text16(u"quiet", ""), "quiet");
  EXPECT_EQ(text16(u"\"debian.efi x=1"), "\"debian.efi x=1") << "an open quote";
  EXPECT_EQ(text16(u"\"\" x=1"), "\"\" x=1");
}

TEST(LoadOptions, FirmwareLeavesBytesOfItsOwn) {
  // EDK2's boot manager marks the entries it made itself by a GUID.
  EXPECT_EQ(text("8108ac4e-9f11-4d59-850e-e21a522c59b2"_guid.bytes), "");
  // AMI's does by "..BO".
  EXPECT_EQ(text(as_bytes(std::string_view("\0\0BO", 4))), "");
  // The start of what Windows' own entry carries.
  EXPECT_EQ(text(as_bytes(std::string_view("WINDOWS\0\1\0\0\0\x88\0\0\0x\0\0\0", 20))), "");
  EXPECT_EQ(text(std::vector<std::byte>(64, std::byte{0xFF})), "");
  EXPECT_EQ(text(std::vector<std::byte>(64)), "");
  EXPECT_EQ(text16(u"a=1\u0001"), "") << "control characters";
  const char16_t lone[] = {u'a', u'=', 0xDC00};
  EXPECT_EQ(text16({lone, 3}), "") << "an unpaired surrogate";
  EXPECT_EQ(text16(u"\u4e00\u4e8c\u4e09"), "") << "no key=value in it";
}

TEST(LoadOptions, TooLong) {
  const std::string_view key = "options=";
  const std::string fits = std::string(key) + std::string(4096 - key.size(), 'x');
  EXPECT_EQ(text(as_bytes(fits)), fits);
  const LoadOptions options = read_load_options(as_bytes(fits + "y"), kOwnPath);
  EXPECT_TRUE(options.too_long);
  EXPECT_TRUE(options.text.empty());
}

}  // namespace
}  // namespace vhdboot::efi
