// SPDX-License-Identifier: GPL-2.0-or-later
// Judged by the reader of the boot, and by fsck.exfat where there is one.
#include "tools/vhdboot/try_volume.h"

#include <cstdlib>

#include "base/byte_source.h"
#include "base/text.h"
#include "init/volume/volume.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/command/fake_system.h"

namespace vhdboot::command {
namespace {

using test::Fails;

std::vector<std::byte> whole(const TryVolume& volume, std::uint64_t size) {
  std::vector<std::byte> bytes = volume.head;
  bytes.resize(volume.head.size() + size + volume.tail, std::byte{0x5A});
  return bytes;
}

TEST(TryVolume, IsReadAsTheBootReadsIt) {
  for (const std::uint64_t size : {std::uint64_t{512}, std::uint64_t{32768}, std::uint64_t{5 << 20 | 512}}) {
    const std::string name = "Debian 12 with a rather long name.vhd";
    const auto made = lay_out_try_volume(name, size);
    ASSERT_TRUE(made) << made.error().message();
    const auto bytes = whole(*made, size);
    const MemorySource source(bytes);
    const auto volume = volume::HostVolume::open(source);
    ASSERT_TRUE(volume) << volume.error().message();
    EXPECT_TRUE((*volume)->state().value().clean());
    EXPECT_EQ((*volume)->label(), "TRY");
    EXPECT_EQ((*volume)->volume_size(), bytes.size());
    const auto path = volume::parse_path("/DEBIAN 12 with a rather long name.vhd").value();
    const auto layout = (*volume)->layout(path);
    ASSERT_TRUE(layout) << layout.error().message();
    ASSERT_EQ(layout->extents.size(), 1U);
    EXPECT_EQ(layout->extents.front().physical, made->head.size());
    EXPECT_EQ(layout->size, size);
    EXPECT_TRUE((*volume)->check_allocation(path));
  }
}

TEST(TryVolume, IsRightForFsck) {
  if (std::system("command -v fsck.exfat >/dev/null") != 0) GTEST_SKIP() << "fsck.exfat is not installed";
  test::FakeSystem fake;
  constexpr std::uint64_t kSize = 3 << 20;
  const auto bytes = whole(lay_out_try_volume("debian.vhd", kSize).value(), kSize);
  fake.write("/disk", as_text(bytes));
  EXPECT_EQ(std::system(concat("fsck.exfat -n ", fake.system().at("/disk"), " >/dev/null").c_str()), 0);
}

TEST(TryVolume, LargeOnesHaveLargerClusters) {
  const auto made = lay_out_try_volume("x.img", 2ULL << 40);
  ASSERT_TRUE(made);
  EXPECT_LT(made->head.size(), 64U << 20);
  EXPECT_EQ(made->tail, 0U);
}

TEST(TryVolume, Refuses) {
  EXPECT_THAT(lay_out_try_volume("a/b", 512), Fails(Code::Invalid, "is no name"));
  EXPECT_THAT(lay_out_try_volume("a:b", 512), Fails(Code::Invalid, ""));
  EXPECT_THAT(lay_out_try_volume("a", 513), Fails(Code::Unsupported, "513 bytes"));
  EXPECT_THAT(lay_out_try_volume("a", 0), Fails(Code::Unsupported, "0 bytes"));
}

TEST(TryDisk, PiecesInARow) {
  EXPECT_EQ(describe_try_disk({{"/t/head", 1024}, {"/a b.vhd", 512}, {"/t/tail", 0}}).value(),
            "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"twoGbMaxExtentFlat\"\n"
            "# Extent description\n"
            "RW 2 FLAT \"/t/head\" 0\nRW 1 FLAT \"/a b.vhd\" 0\n");
  EXPECT_THAT(describe_try_disk({{"/a\"b", 512}}), Fails(Code::Invalid, "has a quote"));
}

}  // namespace
}  // namespace vhdboot::command
