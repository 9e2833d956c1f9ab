// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/parent_places.h"

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::blocks {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> places(std::string_view path) {
  std::vector<std::string> texts;
  for (const volume::Path& place : parent_places(*volume::parse_path("/vm/new/child.vhdx"), path))
    texts.push_back(place.text());
  return texts;
}

TEST(ParentPlaces, FromTheChildsFolderOn) {
  EXPECT_THAT(places(".\\base.vhdx"), ElementsAre("/vm/new/base.vhdx"));
  EXPECT_THAT(places("base.vhdx"), ElementsAre("/vm/new/base.vhdx"));
  EXPECT_THAT(places("..\\old\\base.vhdx"), ElementsAre("/vm/old/base.vhdx", "/vm/new/base.vhdx"));
}

TEST(ParentPlaces, OfAnotherPlaceOnlyTheName) {
  EXPECT_THAT(places("C:\\vm\\base.vhdx"), ElementsAre("/vm/new/base.vhdx"));
  EXPECT_THAT(places("\\\\?\\Volume{1}\\vm\\base.vhdx"), ElementsAre("/vm/new/base.vhdx"));
  EXPECT_THAT(places("..\\..\\..\\out\\base.vhdx"), ElementsAre("/vm/new/base.vhdx"));
}

TEST(ParentPlaces, OnAVolumeThatWasNamedTheAbsolutePathToo) {
  const auto elsewhere = [](std::string_view path) {
    std::vector<std::string> texts;
    for (const volume::Path& place : parent_places(*volume::parse_path("/vm/new/child.vhdx"), path, true))
      texts.push_back(place.text());
    return texts;
  };
  EXPECT_THAT(elsewhere("D:\\vhd\\base.vhdx"), ElementsAre("/vm/new/base.vhdx", "/vhd/base.vhdx"));
  EXPECT_THAT(elsewhere("d:/base.vhdx"), ElementsAre("/vm/new/base.vhdx", "/base.vhdx"));
  EXPECT_THAT(elsewhere("D:\\vm\\new\\base.vhdx"), ElementsAre("/vm/new/base.vhdx"));
  EXPECT_THAT(elsewhere("\\\\?\\D:\\vhd\\base.vhdx"), ElementsAre("/vm/new/base.vhdx", "/vhd/base.vhdx"));
  EXPECT_THAT(elsewhere("\\\\?\\Volume{26A21BDA-A627-11D7-9931-806E6F6E6963}\\vhd\\base.vhdx"),
              ElementsAre("/vm/new/base.vhdx", "/vhd/base.vhdx"));
  EXPECT_THAT(elsewhere("..\\old\\base.vhdx"), ElementsAre("/vm/old/base.vhdx", "/vm/new/base.vhdx"));
}

TEST(ParentPlaces, WhatIsNoAbsolutePath) {
  for (const char* path :
       {"", "base.vhdx", "..\\base.vhdx", "\\vhd\\base.vhdx", "D:base.vhdx", "D:", "D:\\", "DD:\\a.vhd",
        "\\\\server\\share\\a.vhdx", "Volume{1}\\a.vhdx", "\\\\?\\Volume{1\\a.vhdx", "\\\\?\\UNC\\server\\a.vhdx",
        "D:\\..\\a.vhdx", "D:\\a\\", "D:\\a\\.", "D:\\a\\E:\\b.vhdx", "1:\\a.vhd"})
    EXPECT_FALSE(absolute_place(path)) << path;
}

TEST(ParentPlaces, NamesThatNoFileHas) {
  for (const char* path : {"", ".", "..", "C:", "C:\\", "a*b", "..\\..", "x\\..", "\xff"})
    EXPECT_THAT(places(path), IsEmpty()) << path;
}

}  // namespace
}  // namespace vhdboot::blocks
