// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/text.h"

namespace vhdboot {
namespace {

std::string hex(const Sha256Digest& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : digest) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

// In pieces of `piece` bytes.
std::string sha256(std::string_view text, std::size_t piece) {
  Sha256 hash;
  for (std::size_t at = 0; at < text.size(); at += piece) hash.add(as_bytes(text.substr(at, piece)));
  return hex(hash.finish());
}

// The examples of FIPS 180-4, and what sha256sum(1) says.
TEST(Sha256, Known) {
  const std::string million(1'000'000, 'a');
  for (const std::size_t piece : {1U, 3U, 63U, 64U, 65U, 4096U}) {
    EXPECT_EQ(sha256("", piece), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256("abc", piece), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", piece),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(sha256(million, piece), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

// Lengths at which the padding takes a block of its own; by sha256sum(1).
TEST(Sha256, Padding) {
  for (const auto& [length, digest] :
       {std::pair{55U, "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
        {56U, "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
        {63U, "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
        {64U, "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
        {119U, "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
        {120U, "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"}})
    EXPECT_EQ(sha256(std::string(length, 'x'), 7), digest) << length;
}

}  // namespace
}  // namespace vhdboot
