// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/ephemeral.h"

#include "base/units.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::record {
namespace {

using test::Fails;

TEST(Ephemeral, WhatCanBeSaid) {
  EXPECT_EQ(*parse_ephemeral("no"), Ephemeral{});
  EXPECT_EQ(*parse_ephemeral("yes"), (Ephemeral{.on = true, .percent = 50}));
  EXPECT_EQ(*parse_ephemeral("75%"), (Ephemeral{.on = true, .percent = 75}));
  EXPECT_EQ(*parse_ephemeral("1%"), (Ephemeral{.on = true, .percent = 1}));
  EXPECT_EQ(*parse_ephemeral("2G"), (Ephemeral{.on = true, .bytes = 2 * kGiB}));
  EXPECT_EQ(*parse_ephemeral("/vhd/./a scratch%"), (Ephemeral{.on = true, .file = "/vhd/a scratch%"}));
  EXPECT_EQ(*parse_ephemeral("\\vhd\\scratch.img"), (Ephemeral{.on = true, .file = "/vhd/scratch.img"}));
}

TEST(Ephemeral, TheRestIsRefused) {
  for (const char* wrong :
       {"", "Yes", "off", "on", "0", "0%", "76%", "%", "-1%", "5 %", "half", "scratch.bin", "1.5G", "/"})
    EXPECT_THAT(parse_ephemeral(wrong), Fails(Code::Invalid, "expected yes, no, a size such as 512M")) << wrong;
}

TEST(Ephemeral, HowMuchThatIs) {
  EXPECT_EQ(parse_ephemeral("yes")->most(1000), 500U);
  EXPECT_EQ(parse_ephemeral("10%")->most(UINT64_MAX), UINT64_MAX / 100 * 10);
  EXPECT_EQ(parse_ephemeral("2G")->most(kGiB), 2 * kGiB);
}

TEST(Ephemeral, TextAndBack) {
  EXPECT_THAT(parse_ephemeral("/a/../b"), Fails(Code::Invalid, ""));
  for (const char* text : {"no", "50%", "1%", "2147483648", "/vhd/scratch.img"})
    EXPECT_EQ(to_text(*parse_ephemeral(text)), text);
  EXPECT_EQ(to_text(*parse_ephemeral("yes")), "50%");
}

}  // namespace
}  // namespace vhdboot::record
