// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/origin.h"

#include "init/record/image_path.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::record {
namespace {

using test::Fails;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Origin, AllFacts) {
  const auto parsed = parse_origin(
      "partuuid 89ABCDEF-01\nserial 0123456789abcdef\npath \\boot\\menu/debian.efi\noptions image=\"/a b.vhd\"  x\n"
      "menu yes\none-shot my b\xC3\xBC"
      "cher\n");
  EXPECT_THAT(parsed.warnings, IsEmpty());
  EXPECT_EQ(parsed.origin, (Origin{.partuuid = "89abcdef-01",
                                   .serial = "0123456789ABCDEF",
                                   .path = "/boot/menu/debian.efi",
                                   .options = "image=\"/a b.vhd\"  x",
                                   .menu = true,
                                   .one_shot = "my b\xC3\xBC"
                                               "cher"}));
}

TEST(Origin, MissingFactsAreMissingLines) {
  EXPECT_EQ(parse_origin("").origin, Origin{});
  const auto parsed = parse_origin("path /debian.efi");
  EXPECT_EQ(parsed.origin, (Origin{.path = "/debian.efi"}));
  EXPECT_THAT(parsed.warnings, IsEmpty());
}

TEST(Origin, WhatIsNoFactLeavesTheOthers) {
  const auto parsed =
      parse_origin("partuuid /dev/sda1\nserial\ncolour blue\npath /a/../b\npath /debian.efi\npath /c.efi");
  EXPECT_EQ(parsed.origin, (Origin{.path = "/debian.efi"}));
  EXPECT_THAT(parsed.warnings, ElementsAre("the origin record has no use for \"partuuid /dev/sda1\"",
                                           "the origin record has no use for \"serial\"",
                                           "the origin record has no use for \"colour blue\"",
                                           "the origin record has no use for \"path /a/../b\"",
                                           "the origin record has no use for \"path /c.efi\""));
  const auto large = parse_origin(std::string(kMaxOriginBytes + 1, '\n'));
  EXPECT_EQ(large.origin, Origin{});
  EXPECT_THAT(large.warnings, SizeIs(1));
}

TEST(Origin, TextAndBack) {
  const Origin origin{.partuuid = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
                      .serial = "1234-ABCD",
                      .path = "/b\xC3\xB6\xC3\xB6t/debian.efi",
                      .options = "a \"b  c\"",
                      .menu = true,
                      .one_shot = " arch "};
  EXPECT_EQ(parse_origin(to_text(origin)).origin, origin);
  EXPECT_EQ(to_text(Origin{}), "");
  EXPECT_EQ(to_text(Origin{.one_shot = "a\nmenu yes"}), "one-shot a menu yes\n");
  EXPECT_EQ(to_text(Origin{.options = "a\nserial 1234-ABCD\x01"}), "options a serial 1234-ABCD \n")
      << "a value never makes another line";
}

std::vector<std::string> candidates(const Config& config, const Origin& origin) {
  std::vector<std::string> texts;
  const auto paths = image_candidates(config, origin);
  EXPECT_TRUE(paths) << paths.error().text;
  for (const auto& path : paths.value_or(std::vector<volume::Path>{})) texts.push_back(path.text());
  return texts;
}

TEST(ImagePath, ByConvention) {
  EXPECT_THAT(candidates({}, {.path = "/boot/debian.efi"}),
              ElementsAre("/boot/debian.vhd", "/boot/debian.img", "/boot/debian.raw", "/boot/debian.vhdx"));
  EXPECT_THAT(candidates({}, {.path = "/Arch.v2.EFI"}),
              ElementsAre("/Arch.v2.vhd", "/Arch.v2.img", "/Arch.v2.raw", "/Arch.v2.vhdx"));
}

TEST(ImagePath, Configured) {
  EXPECT_THAT(candidates({.image = "/x/y.vhd"}, {}), ElementsAre("/x/y.vhd"));
  EXPECT_THAT(candidates({.image = "y.vhd"}, {.path = "/boot/debian.efi"}), ElementsAre("/boot/y.vhd"));
  EXPECT_THAT(candidates({.image = "sub/y.vhd"}, {.path = "/debian.efi"}), ElementsAre("/sub/y.vhd"));
}

TEST(ImagePath, NothingToGoBy) {
  EXPECT_THAT(image_candidates({}, {}), Fails(Code::NotFound, "image=/boot/debian.vhd in the load options"));
  EXPECT_THAT(image_candidates({}, {.path = "/boot/debian"}),
              Fails(Code::NotFound, "/boot/debian, which does not end"));
  EXPECT_THAT(image_candidates({.image = "y.vhd"}, {}), Fails(Code::Invalid, "image y.vhd is to be beside"));
}

}  // namespace
}  // namespace vhdboot::record
