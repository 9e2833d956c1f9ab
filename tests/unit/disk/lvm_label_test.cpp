// SPDX-License-Identifier: GPL-2.0-or-later
#include "disk/lvm_label.h"

#include "tests/unit/base/error_matchers.h"
#include "tests/unit/disk/physical_volume.h"

namespace vhdboot::disk {
namespace {

using test::Fails;

using Volume = test::PhysicalVolume;
constexpr std::size_t kArea = Volume::kArea;

Result<std::string> group(const Volume& volume) {
  return read_volume_group(MemorySource(volume.bytes));
}

TEST(LvmLabel, TheNameOfTheGroup) {
  EXPECT_EQ(group(Volume()), "guest");
  EXPECT_EQ(group(Volume("a+b_c.d-9 {")), "a+b_c.d-9");
  EXPECT_EQ(group(Volume("guest {", 0)), "guest");
  EXPECT_EQ(group(Volume("guest {", 1536)), "guest");
  const std::string longest(127, 'v');
  EXPECT_EQ(group(Volume(longest + " {")), longest);
}

TEST(LvmLabel, IsThereOrNot) {
  const auto has = [](Bytes bytes) { return has_lvm_label(MemorySource(bytes)); };
  for (const std::size_t at : {0U, 512U, 1536U}) EXPECT_TRUE(has(Volume("guest {", at).bytes));
  EXPECT_FALSE(has(Volume("guest {", 2048).bytes));
  EXPECT_FALSE(has(std::vector<std::byte>(4096)));
  EXPECT_FALSE(has(Bytes(Volume().bytes).first(2047)));
}

TEST(LvmLabel, TheWholeText) {
  Volume volume("guest {\nid = \"x\"\n}\n");
  volume.put(512 + 32, "abcdefghijklmnopqrstuvwxyz012345");
  volume.put_number<std::uint64_t>(kArea + 32, 8192);
  const auto read = [&] { return read_physical_volume(MemorySource(volume.bytes)); };
  ASSERT_TRUE(read()) << read().error().message();
  EXPECT_EQ(read()->id, "abcdefghijklmnopqrstuvwxyz012345");
  EXPECT_EQ(read()->metadata, "guest {\nid = \"x\"\n}\n");
  // It goes on behind the header of its area.
  volume.put(kArea + 8192 - 4, "gues");
  volume.put(kArea + 512, "t { }");
  volume.put_number<std::uint64_t>(kArea + 40, 8192 - 4);
  volume.put_number<std::uint64_t>(kArea + 48, 9);
  EXPECT_EQ(read()->metadata, "guest { }");
  for (const auto& [offset, size] : {std::pair<std::uint64_t, std::uint64_t>{8192, 9}, {511, 9}, {512, 7681}}) {
    volume.put_number<std::uint64_t>(kArea + 40, offset);
    volume.put_number<std::uint64_t>(kArea + 48, size);
    EXPECT_THAT(read(), Fails(Code::Corrupt, "outside of its place")) << offset << ' ' << size;
  }
  volume.put_number<std::uint64_t>(kArea + 48, 0);
  EXPECT_EQ(read()->metadata, "");
  EXPECT_THAT(read_physical_volume(MemorySource(std::vector<std::byte>(4096))), Fails(Code::NotFound, "no label"));
}

TEST(LvmLabel, NoGroup) {
  EXPECT_THAT(read_volume_group(MemorySource(std::vector<std::byte>(4096))), Fails(Code::NotFound, "no label"));
  EXPECT_THAT(group(Volume("guest {", 2048)), Fails(Code::NotFound, "no label"));
  Volume volume;
  volume.put_number<std::uint64_t>(kArea + 40, 0);
  EXPECT_THAT(group(volume), Fails(Code::NotFound, "no volume group"));
  volume.put_number<std::uint64_t>(512 + 32 + 72, 0);
  EXPECT_THAT(group(volume), Fails(Code::NotFound, "no metadata"));
}

TEST(LvmLabel, Damaged) {
  EXPECT_FALSE(read_volume_group(MemorySource(std::vector<std::byte>(100))));
  EXPECT_THAT(group(Volume(" {")), Fails(Code::Corrupt, "a name"));
  EXPECT_THAT(group(Volume("guest")), Fails(Code::Corrupt, "a name"));
  EXPECT_THAT(group(Volume("gu\"est {")), Fails(Code::Corrupt, "a name"));
  EXPECT_THAT(group(Volume(std::string(128, 'v') + " {")), Fails(Code::Corrupt, "a name"));
  Volume volume;
  volume.put_number<std::uint64_t>(kArea + 40, UINT64_MAX);
  EXPECT_THAT(group(volume), Fails(Code::Corrupt, "outside of its place"));
  volume.put_number<std::uint64_t>(kArea + 40, 1 << 20);
  EXPECT_FALSE(group(volume));
  volume.put(kArea + 4, "x");
  EXPECT_THAT(group(volume), Fails(Code::Corrupt, "no header"));
  volume.put_number<std::uint64_t>(512 + 32 + 72, UINT64_MAX);
  EXPECT_FALSE(group(volume));
  // No zero ends the list of data areas before the label does.
  volume.put_number<std::uint32_t>(512 + 20, UINT32_MAX);
  EXPECT_THAT(group(volume), Fails(Code::NotFound, "no metadata"));
}

}  // namespace
}  // namespace vhdboot::disk
