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

TEST(ParentPlaces, NamesThatNoFileHas) {
  for (const char* path : {"", ".", "..", "C:", "C:\\", "a*b", "..\\..", "x\\..", "\xff"})
    EXPECT_THAT(places(path), IsEmpty()) << path;
}

}  // namespace
}  // namespace vhdboot::blocks
