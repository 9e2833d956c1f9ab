// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/volume_group.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::disk {
namespace {

using test::Fails;
using ::testing::ElementsAre;

// What LVM2 2.03.16 wrote, by vgcreate, lvcreate and lvextend.
std::string real_metadata() {
  std::ifstream file(SOURCE_FOLDER "/tests/fuzz/corpus/volume_group/two-physical-volumes");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(VolumeGroup, AsLvmWritesIt) {
  const auto group = parse_volume_group(real_metadata());
  ASSERT_TRUE(group) << group.error().message();
  EXPECT_EQ(group->name, "guest");
  EXPECT_EQ(group->seqno, 6U);
  const std::string pv0 = "XlkeeoFaOCZNwYF8pv34zj84rMjm6Tjj";
  const std::string pv1 = "rHXpafD6RM3jgaa4K9Cd7HY5fCmZOl2H";
  EXPECT_THAT(group->volumes,
              ElementsAre(LogicalVolume{"root", true, {{0, 20480, pv0, 2048}, {20480, 14336, pv1, 2048 + 5 * 2048}}},
                          LogicalVolume{"home-x", true, {{0, 10240, pv1, 2048}, {10240, 6144, pv0, 2048 + 10 * 2048}}},
                          LogicalVolume{"striped", false, {}}));
}

// With one logical volume whose only segment is this.
std::string group_with(std::string_view segment, std::string_view physical = "pe_start = 2 pe_count = 10") {
  return concat("g { extent_size = 8 physical_volumes { p { id = \"a-b\" ", physical,
                " } } logical_volumes { l { status = [\"VISIBLE\"] s { ", segment, " } } } }");
}

TEST(VolumeGroup, OtherKindsAreKnownByName) {
  for (const char* segment : {"type = \"thin\"", "type = \"striped\" stripe_count = 2", "type = \"raid1\"", ""}) {
    const auto group = parse_volume_group(group_with(segment));
    ASSERT_TRUE(group) << segment;
    EXPECT_THAT(group->volumes, ElementsAre(LogicalVolume{"l", false, {}}));
  }
  const auto hidden = parse_volume_group(
      "g { extent_size = 8 logical_volumes { l_rimage_0 { status = [\"READ\"] s { type = \"striped\" } } } }");
  ASSERT_TRUE(hidden);
  EXPECT_TRUE(hidden->volumes.empty());
}

TEST(VolumeGroup, NothingLeadsOutOfItsPhysicalVolume) {
  constexpr std::string_view kLinear = "type = \"striped\" stripe_count = 1 ";
  const auto read = [&](std::string_view rest, std::string_view physical = "pe_start = 2 pe_count = 10") {
    return parse_volume_group(group_with(concat(kLinear, rest), physical));
  };
  EXPECT_TRUE(read("start_extent = 0 extent_count = 10 stripes = [\"p\", 0]"));
  for (const char* outside : {"start_extent = 0 extent_count = 11 stripes = [\"p\", 0]",
                              "start_extent = 0 extent_count = 1 stripes = [\"p\", 10]",
                              "start_extent = 0 extent_count = 18446744073709551615 stripes = [\"p\", 1]"})
    EXPECT_THAT(read(outside), Fails(Code::Corrupt, "outside of its physical volume")) << outside;
  EXPECT_THAT(
      read("start_extent = 0 extent_count = 9 stripes = [\"p\", 0]", "pe_start = 2 pe_count = 9999999999999999999"),
      Fails(Code::Corrupt, "outside"));
  EXPECT_THAT(
      read("start_extent = 0 extent_count = 9 stripes = [\"p\", 0]", "pe_start = 9999999999999999999 pe_count = 9"),
      Fails(Code::Corrupt, "outside"));
  EXPECT_THAT(read("start_extent = 1 extent_count = 1 stripes = [\"p\", 0]"), Fails(Code::Corrupt, "do not follow"));
  EXPECT_THAT(read("start_extent = 0 extent_count = 1 stripes = [\"q\", 0]"),
              Fails(Code::Corrupt, "q, which is unknown"));
  for (const char* nowhere :
       {"start_extent = 0 extent_count = 0 stripes = [\"p\", 0]", "start_extent = 0 extent_count = 1",
        "extent_count = 1 stripes = [\"p\", 0]", "start_extent = 0 extent_count = 1 stripes = [\"p\"]"})
    EXPECT_THAT(read(nowhere), Fails(Code::Corrupt, "has no place")) << nowhere;
}

TEST(VolumeGroup, WhatIsNone) {
  EXPECT_THAT(parse_volume_group(""), Fails(Code::Corrupt, "has no volume group"));
  EXPECT_THAT(parse_volume_group("g { }"), Fails(Code::Corrupt, "extents have no size"));
  EXPECT_THAT(parse_volume_group("g {"), Fails(Code::Corrupt, ""));
}

TEST(VolumeGroup, NamesOfItsDevices) {
  EXPECT_EQ(mapper_name("fedora-x", "my-root"), "fedora--x-my--root");
  EXPECT_TRUE(names_volume("/dev/fedora-x/my-root", "fedora-x", "my-root"));
  EXPECT_TRUE(names_volume("/dev/mapper/fedora--x-my--root", "fedora-x", "my-root"));
  for (const char* other : {"/dev/mapper/fedora-x-my-root", "/dev/fedora/x-my-root", "", "UUID=1"})
    EXPECT_FALSE(names_volume(other, "fedora-x", "my-root")) << other;
}

}  // namespace
}  // namespace vhdboot::disk
