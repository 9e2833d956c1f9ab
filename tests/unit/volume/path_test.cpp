// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/path.h"

#include <gmock/gmock.h>

namespace vhdboot::volume {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Path, TakesBothSeparators) {
  for (const auto* text : {"/boot/menu/debian.vhd", "\\boot\\menu\\debian.vhd", "\\boot\\menu/debian.vhd",
                           "boot/menu/debian.vhd", "//boot/./menu//debian.vhd/"}) {
    const auto path = parse_path(text);
    ASSERT_TRUE(path) << text << ": " << path.error().message();
    EXPECT_THAT(path->components(), ElementsAre("boot", "menu", "debian.vhd")) << text;
    EXPECT_EQ(path->text(), "/boot/menu/debian.vhd");
  }
}

TEST(Path, TheRootHasNoNames) {
  for (const auto* text : {"/", "\\", "//", "."}) {
    const auto path = parse_path(text);
    ASSERT_TRUE(path) << text;
    EXPECT_TRUE(path->is_root());
    EXPECT_EQ(path->text(), "/");
    EXPECT_EQ(path->name(), "");
    EXPECT_EQ(path->parent(), *path);
    EXPECT_FALSE(path->sibling("a"));
  }
}

TEST(Path, RefusesWhatWindowsHasNoNameFor) {
  const auto refused = [](std::string_view text) {
    const auto path = parse_path(text);
    EXPECT_FALSE(path) << text;
    if (path) return std::string();
    EXPECT_EQ(path.error().code, Code::Invalid);
    return path.error().text;
  };
  EXPECT_THAT(refused("/boot/../debian.vhd"), HasSubstr(".."));
  EXPECT_THAT(refused(".."), HasSubstr(".."));
  EXPECT_THAT(refused("C:\\boot\\debian.vhd"), HasSubstr("drive letter"));
  EXPECT_THAT(refused("/debian.vhd:stream"), HasSubstr("':'"));
  EXPECT_THAT(refused("/de*.vhd"), HasSubstr("*"));
  EXPECT_THAT(refused("/a\nb"), HasSubstr("control"));
  EXPECT_THAT(refused(std::string_view("/a\0b", 4)), HasSubstr("control"));
  EXPECT_THAT(refused("/a\xFF"), HasSubstr("UTF-8"));
  EXPECT_THAT(refused(""), HasSubstr("empty"));
  EXPECT_THAT(refused("/" + std::string(256, 'a')), HasSubstr("255"));
  EXPECT_THAT(refused(std::string(kMaxPathBytes + 1, 'a')), HasSubstr("32768"));
  std::string deep;
  for (std::size_t i = 0; i <= kMaxPathDepth; ++i) deep += "/a";
  EXPECT_THAT(refused(deep), HasSubstr("directories"));
  EXPECT_TRUE(parse_path(deep.substr(2)));
}

TEST(Path, CountsNamesInUtf16Units) {
  std::string clefs;  // U+1D11E takes two units
  for (int i = 0; i < 127; ++i) clefs += "\xF0\x9D\x84\x9E";
  EXPECT_TRUE(parse_path("/" + clefs));
  EXPECT_FALSE(parse_path("/" + clefs + clefs.substr(0, 4)));
  EXPECT_TRUE(parse_path("/" + std::string(255, 'a')));
}

TEST(Path, StemAndExtension) {
  const auto of = [](std::string_view text) { return *parse_path(text); };
  EXPECT_EQ(of("/boot/debian.12.efi").stem(), "debian.12");
  EXPECT_EQ(of("/boot/debian.12.efi").extension(), ".efi");
  EXPECT_EQ(of("/boot/debian").stem(), "debian");
  EXPECT_EQ(of("/boot/debian").extension(), "");
  EXPECT_EQ(of("/.profile").stem(), ".profile");
  EXPECT_EQ(of("/.profile").extension(), "");
}

TEST(Path, SiblingAndChild) {
  const Path path = *parse_path("/boot/debian.efi");
  EXPECT_EQ(path.sibling("debian.vhd")->text(), "/boot/debian.vhd");
  EXPECT_EQ(path.parent().child("x")->text(), "/boot/x");
  EXPECT_FALSE(path.sibling("a/b"));
  EXPECT_FALSE(path.sibling(".."));
  EXPECT_FALSE(path.sibling(""));
  EXPECT_FALSE(path.child("a\\b"));
}

TEST(Path, FromAFolderOn) {
  const Path folder = parse_path("/vm/old").value();
  const auto text = [&](const char* relative) { return resolve(folder, relative).value().text(); };
  EXPECT_EQ(text("base.vhd"), "/vm/old/base.vhd");
  EXPECT_EQ(text(".\\base.vhd"), "/vm/old/base.vhd");
  EXPECT_EQ(text("..\\new/./base.vhd"), "/vm/new/base.vhd");
  EXPECT_EQ(text("../.."), "/");
  EXPECT_EQ(text(""), "/vm/old");
  const auto out = resolve(folder, "..\\..\\..\\base.vhd");
  ASSERT_FALSE(out);
  EXPECT_THAT(out.error().message(), HasSubstr("out of the volume"));
  EXPECT_FALSE(resolve(folder, "C:\\base.vhd"));
  EXPECT_FALSE(resolve(folder, std::string(kMaxPathBytes + 1, 'a')));
  std::string deep;
  for (std::size_t i = 0; i <= kMaxPathDepth; ++i) deep += "a/";
  EXPECT_FALSE(resolve(folder, deep));
}

}  // namespace
}  // namespace vhdboot::volume
