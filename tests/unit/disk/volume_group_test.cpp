// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/volume_group.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/disk/physical_volume.h"

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
  EXPECT_THAT(group->id, testing::MatchesRegex("[^-]{6}(-[^-]{4}){5}-[^-]{6}"));
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

// Else it would be taken for one that cannot be read.
TEST(VolumeGroup, APhysicalVolumeWithoutItsId) {
  const auto group = parse_volume_group(
      "g { extent_size = 8 physical_volumes { p { pe_start = 2 pe_count = 10 } } logical_volumes { l { status = "
      "[\"VISIBLE\"] s { type = \"striped\" stripe_count = 1 start_extent = 0 extent_count = 9 stripes = [\"p\", 0] "
      "} } } }");
  ASSERT_TRUE(group);
  EXPECT_THAT(group->volumes, ElementsAre(LogicalVolume{"l", false, {}}));
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
  const auto is_linear = [&](std::string_view rest, std::string_view physical = "pe_start = 2 pe_count = 10") {
    const auto group = parse_volume_group(group_with(concat(kLinear, rest), physical));
    return group && group->volumes.size() == 1 && group->volumes[0].is_linear;
  };
  constexpr std::string_view kNine = "start_extent = 0 extent_count = 9 stripes = [\"p\", 0]";
  EXPECT_TRUE(is_linear("start_extent = 0 extent_count = 10 stripes = [\"p\", 0]"));
  EXPECT_TRUE(is_linear(kNine));
  for (const char* rest :
       {"start_extent = 0 extent_count = 11 stripes = [\"p\", 0]",
        "start_extent = 0 extent_count = 1 stripes = [\"p\", 10]",
        "start_extent = 0 extent_count = 18446744073709551615 stripes = [\"p\", 1]",
        "start_extent = 1 extent_count = 1 stripes = [\"p\", 0]",
        "start_extent = 0 extent_count = 1 stripes = [\"pvmove0\", 0]",
        "start_extent = 0 extent_count = 0 stripes = [\"p\", 0]", "start_extent = 0 extent_count = 1",
        "extent_count = 1 stripes = [\"p\", 0]", "start_extent = 0 extent_count = 1 stripes = [\"p\"]"})
    EXPECT_FALSE(is_linear(rest)) << rest;
  EXPECT_FALSE(is_linear(kNine, "pe_start = 2 pe_count = 9999999999999999999"));
  EXPECT_FALSE(is_linear(kNine, "pe_start = 9999999999999999999 pe_count = 9"));
}

TEST(VolumeGroup, WhatASnapshotIsMergedInto) {
  std::string text = real_metadata();
  const std::string_view before = "\nlogical_volumes {\n";
  const auto with = [&](std::string_view key) {
    std::string changed = text;
    changed.insert(changed.find(before) + before.size(),
                   concat("snapshot0 { status = [\"READ\"] segment1 { type = \"snapshot\" origin = \"root\" ", key,
                          " = \"home-x\" } }\n"));
    const auto group = parse_volume_group(changed);
    return group && group->volumes.at(0).name == "root" && group->volumes[0].is_linear;
  };
  EXPECT_TRUE(with("cow_store"));
  EXPECT_FALSE(with("merging_store"));
}

TEST(VolumeGroup, WhatIsNone) {
  EXPECT_THAT(parse_volume_group(""), Fails(Code::Corrupt, "has no volume group"));
  EXPECT_THAT(parse_volume_group("g { }"), Fails(Code::Corrupt, "extents have no size"));
  EXPECT_THAT(parse_volume_group("g {"), Fails(Code::Corrupt, ""));
}

// "p0", "p1" as an id of 32 characters.
std::string id(std::string_view name) {
  return concat(name, std::string(32 - name.size(), '0'));
}

test::PhysicalVolume physical(std::string_view name, std::string_view metadata) {
  test::PhysicalVolume volume(metadata);
  volume.put(512 + 32, id(name));
  return volume;
}

// A logical volume that begins on the second physical volume and goes on on the first.
std::string two_pieces(unsigned seqno, unsigned count) {
  return concat("g { seqno = ", seqno, " extent_size = 8 physical_volumes { a { id = \"", id("p0"),
                "\" pe_start = 16 pe_count = 10 } b { id = \"", id("p1"),
                "\" pe_start = 16 pe_count = 90 } } logical_volumes { root { status = [\"VISIBLE\"] s1 { type = "
                "\"striped\" stripe_count = 1 start_extent = 0 extent_count = 2 stripes = [\"b\", 3] } s2 { type = "
                "\"striped\" stripe_count = 1 start_extent = 2 extent_count = ",
                count, " stripes = [\"a\", 1] } } } }");
}

TEST(VolumeGroups, WhatSeveralPhysicalVolumesSay) {
  VolumeGroups groups;
  ASSERT_TRUE(groups.add(MemorySource(physical("p0", two_pieces(7, 4)).bytes)));
  EXPECT_THAT(groups.add(MemorySource(std::vector<std::byte>(4096))), Fails(Code::NotFound, "no label"));
  ASSERT_TRUE(groups.add(MemorySource(physical("p1", two_pieces(6, 2)).bytes))) << "an older copy";
  ASSERT_EQ(groups.groups().size(), 1U);
  const VolumeGroup& group = groups.groups().at("g");
  EXPECT_EQ(group.seqno, 7U);
  const auto placed = groups.place(group.volumes.at(0));
  ASSERT_TRUE(placed) << placed.error().message();
  EXPECT_THAT(*placed, ElementsAre(PlacedPiece{0, 16, 2, 16 + 24}, PlacedPiece{16, 32, 0, 16 + 8}))
      << "devices count as they were added";
}

TEST(VolumeGroups, APhysicalVolumeThatIsMissingOrTooSmall) {
  VolumeGroups alone;
  ASSERT_TRUE(alone.add(MemorySource(physical("p0", two_pieces(7, 4)).bytes)));
  EXPECT_THAT(alone.place(alone.groups().at("g").volumes.at(0)), Fails(Code::NotFound, "is not on the guest disk"));
  auto first = physical("p0", two_pieces(7, 4));
  auto second = physical("p1", two_pieces(7, 4));
  second.bytes.resize((16 + 24 + 15) * 512);
  second.put_number<std::uint64_t>(512 + 32 + 80, 16 * 1024);  // of its metadata area
  second.put_number<std::uint64_t>(test::PhysicalVolume::kArea + 32, 16 * 1024);
  VolumeGroups cut;
  ASSERT_TRUE(cut.add(MemorySource(first.bytes)));
  ASSERT_TRUE(cut.add(MemorySource(second.bytes)));
  EXPECT_THAT(cut.place(cut.groups().at("g").volumes.at(0)), Fails(Code::Corrupt, "behind the end"));
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
