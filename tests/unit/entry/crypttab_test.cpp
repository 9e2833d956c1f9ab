// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/crypttab.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::entry {
namespace {

using test::Fails;

TEST(Crypttab, Lines) {
  const auto entries = parse_crypttab(
      "# <name> <device> <key> <options>\n"
      "\n"
      "swap /dev/sda3 /dev/urandom swap,cipher=aes-xts-plain64\r\n"
      "  data\tUUID=1-2\n"
      "alone\n"
      "root PARTLABEL=a\\040b none luks,discard more\n");
  ASSERT_TRUE(entries);
  EXPECT_EQ(*entries,
            (std::vector<CrypttabEntry>{{"swap", "/dev/sda3", "/dev/urandom", "swap,cipher=aes-xts-plain64", 3},
                                        {"data", "UUID=1-2", "", "", 4},
                                        {"root", "PARTLABEL=a\\040b", "none", "luks,discard", 6}}));
  EXPECT_TRUE(parse_crypttab("")->empty());
}

TEST(Crypttab, Caps) {
  EXPECT_THAT(parse_crypttab(std::string(kMaxCrypttabBytes + 1, ' ')), Fails(Code::Corrupt, "is no crypttab"));
  std::string many;
  for (std::size_t i = 0; i <= kMaxCrypttabEntries; ++i) many += "a b\n";
  EXPECT_THAT(parse_crypttab(many), Fails(Code::Corrupt, "more than 4096 entries"));
}

TEST(Crypttab, WhatIsFormattedAtStart) {
  for (const char* options : {"swap", "tmp", "tmp=xfs", "a,swap,b"})
    EXPECT_TRUE(is_formatted_at_start({.options = options})) << options;
  for (const char* options : {"", "luks", "noswap", "swap=", "tmpfs", "x-swap"})
    EXPECT_FALSE(is_formatted_at_start({.options = options})) << options;
}

}  // namespace
}  // namespace vhdboot::entry
