// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include "init/volume/layout.h"

namespace vhdboot::volume {
namespace {

using testing::AllOf;
using testing::HasSubstr;

FileLayout whole() {
  return {.size = 8192, .valid_size = 8192, .allocated_size = 8192, .extents = {{0, 4096, 4096}, {4096, 65536, 4096}}};
}

std::string refusal(const FileLayout& layout) {
  const auto result = check_mappable(layout, *parse_path("/boot/debian.vhd"));
  EXPECT_FALSE(result);
  if (result) return {};
  EXPECT_EQ(result.error().code, Code::Unsupported);
  EXPECT_THAT(result.error().text, HasSubstr("/boot/debian.vhd "));
  return result.error().text;
}

template <class Change>
std::string refusal_with(Change change) {
  FileLayout layout = whole();
  change(layout);
  return refusal(layout);
}

TEST(Mappable, AWholeFileIs) {
  EXPECT_TRUE(check_mappable(whole(), *parse_path("/boot/debian.vhd")));
}

TEST(Mappable, EachObstacleSaysWhatToDo) {
  EXPECT_THAT(refusal_with([](auto& l) { l.directory = true; }), HasSubstr("directory"));
  EXPECT_THAT(refusal_with([](auto& l) { l.sparse = true, l.extents.pop_back(); }),
              AllOf(HasSubstr("fsutil sparse setflag FILE 0"), HasSubstr("vhdtool desparse")));
  EXPECT_THAT(refusal_with([](auto& l) { l.compressed = true; }), HasSubstr("\"compact /u FILE\""));
  EXPECT_THAT(refusal_with([](auto& l) { l.encrypted = true; }), HasSubstr("cipher /d"));
  EXPECT_THAT(refusal_with([](auto& l) { l.reparse_tag = 0x80000017; }), HasSubstr("compact /u /exe"));
  EXPECT_THAT(refusal_with([](auto& l) { l.reparse_tag = 0x9000601A; }), HasSubstr("OneDrive"));
  EXPECT_THAT(refusal_with([](auto& l) { l.reparse_tag = 0xA000000C; }), HasSubstr("link"));
  EXPECT_THAT(refusal_with([](auto& l) { l.reparse_tag = 0x80000013; }), HasSubstr("deduplicated"));
  EXPECT_THAT(refusal_with([](auto& l) { l.reparse_tag = 0x80001234; }), HasSubstr("0x80001234"));
  EXPECT_THAT(refusal_with([](auto& l) { l.valid_size = 4096; }),
              AllOf(HasSubstr("byte 4096 of 8192"), HasSubstr("copy it")));
  EXPECT_THAT(refusal_with([](auto& l) { l.extents.pop_back(); }), HasSubstr("hole at byte 4096"));
  EXPECT_THAT(refusal_with([](auto& l) { l.extents.erase(l.extents.begin()); }), HasSubstr("hole at byte 0"));
  EXPECT_THAT(refusal_with([](auto& l) { l.extents.clear(); }), HasSubstr("hole at byte 0"));
  EXPECT_THAT(refusal({}), HasSubstr("empty"));
  EXPECT_THAT(refusal({.size = 100, .valid_size = 100, .resident = true}), HasSubstr("MFT"));
}

TEST(Mappable, TheSparseAttributeWithoutAHoleIsNone) {
  FileLayout layout = whole();
  layout.sparse = true;
  EXPECT_TRUE(check_mappable(layout, *parse_path("/boot/debian.vhd")));
  EXPECT_THAT(refusal_with([](auto& l) { l.sparse = true, l.valid_size = 4096; }), HasSubstr("byte 4096 of 8192"));
}

TEST(Mappable, WhatHidesTheOthersComesFirst) {
  // A file that WOF compressed is sparse as well; to make it unsparse would not help.
  EXPECT_THAT(refusal_with([](auto& l) { l.sparse = true, l.reparse_tag = 0x80000017; }), HasSubstr("WOF"));
  EXPECT_THAT(refusal_with([](auto& l) { l.sparse = l.compressed = true; }), HasSubstr("is compressed"));
}

}  // namespace
}  // namespace vhdboot::volume
