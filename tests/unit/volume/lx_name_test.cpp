// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/lx_name.h"

#include <gmock/gmock.h>

namespace vhdboot::volume {
namespace {

struct Row {
  std::u16string_view name;
  LxGeneration generation;
  std::string_view text;
  bool unescaped;
};

TEST(LxName, IsUnescapedByItsGenerationAlone) {
  constexpr auto kLxFs = LxGeneration::LxFs;
  constexpr auto kWslFs = LxGeneration::WslFs;
  const Row rows[]{
      {u"libc6#003Aamd64.list", kLxFs, "libc6:amd64.list", true},
      {u"libc6\xF03A"
       u"amd64.list",
       kWslFs, "libc6:amd64.list", true},
      {u"libc6#003Aamd64.list", kWslFs, "libc6#003Aamd64.list", false},
      {u"libc6\xF03A"
       u"amd64",
       kLxFs,
       "libc6\xEF\x80\xBA"
       "amd64",
       false},
      {u"#0023", kLxFs, "#", true},
      {u"\xF023", kWslFs, "\xEF\x80\xA3", false},
      {u"#005C#0001#001F", kLxFs, "\\\x01\x1F", true},
      {u"\xF05C\xF001\xF01F", kWslFs, "\\\x01\x1F", true},
      // Lower case, too short, of characters that need none: as they are.
      {u"#003a", kLxFs, "#003a", false},
      {u"#003", kLxFs, "#003", false},
      {u"#", kLxFs, "#", false},
      {u"#0041", kLxFs, "#0041", false},
      {u"#002F", kLxFs, "#002F", false},
      {u"#0000", kLxFs, "#0000", false},
      {u"\xF041\xF000\xF02F", kWslFs, "\xEF\x81\x81\xEF\x80\x80\xEF\x80\xAF", false},
      {u"#0023003A", kLxFs, "#003A", true},  // once, not again
      {u"\u00B5 \xD83D\xDE00", kLxFs, "\xC2\xB5 \xF0\x9F\x98\x80", false},
      {u"#003A", LxGeneration::None, "#003A", false},
  };
  for (const Row& row : rows) {
    const auto name = lx_name(row.name, row.generation);
    ASSERT_TRUE(name) << row.text;
    EXPECT_EQ(*name, (LxName{std::string(row.text), row.unescaped, true}));
  }
}

TEST(LxName, WhatIsNoUnicodeIsKeptApart) {
  const auto one = lx_name(u"a\xD800", LxGeneration::WslFs);
  const auto other = lx_name(u"a\xDC01", LxGeneration::WslFs);
  EXPECT_EQ(one->text, "a\xED\xA0\x80");
  EXPECT_EQ(other->text, "a\xED\xB0\x81");
  EXPECT_FALSE(one->valid);
  EXPECT_FALSE(other->valid);
}

TEST(LxName, WhatNoFileCanBeCalled) {
  for (const std::u16string_view name : {u"", u".", u"..", u"a/b"})
    EXPECT_FALSE(lx_name(name, LxGeneration::WslFs)) << name.size();
  EXPECT_FALSE(lx_name(std::u16string_view(u"a\0b", 3), LxGeneration::LxFs));
  EXPECT_TRUE(lx_name(u"...", LxGeneration::LxFs));
}

}  // namespace
}  // namespace vhdboot::volume
