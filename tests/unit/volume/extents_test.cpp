// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/volume/extents.h"

#include <gmock/gmock.h>

#include "init/volume/file_source.h"

namespace vhdboot::volume {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ExtentList, MergesNeighboursAndCutsOffAtTheSize) {
  ExtentList list(10'000, 100'000);
  ASSERT_TRUE(list.add(0, 4096, 4096));
  ASSERT_TRUE(list.add(4096, 8192, 4096));
  ASSERT_TRUE(list.add(8192, 40960, 4096));
  ASSERT_TRUE(list.add(12288, 65536, 4096));  // past the size
  EXPECT_THAT(*std::move(list).finish(), ElementsAre(Extent{0, 4096, 8192}, Extent{8192, 40960, 1808}));
}

TEST(ExtentList, AHoleStaysAGap) {
  ExtentList list(12'288, 100'000);
  ASSERT_TRUE(list.add(0, 4096, 4096));
  ASSERT_TRUE(list.add(8192, 8192, 4096));
  EXPECT_THAT(*std::move(list).finish(), ElementsAre(Extent{0, 4096, 4096}, Extent{8192, 8192, 4096}));
}

TEST(ExtentList, RefusesWhatCannotBe) {
  ExtentList list(1 << 20, 100'000);
  EXPECT_THAT(list.add(0, 99'999, 2).error().text, HasSubstr("past the end"));
  EXPECT_THAT(list.add(0, UINT64_MAX, 2).error().text, HasSubstr("past the end"));
  EXPECT_THAT(list.add(0, 2, UINT64_MAX).error().text, HasSubstr("past the end"));
  ASSERT_TRUE(list.add(0, 0, 4096));
  EXPECT_THAT(list.add(2048, 8192, 4096).error().text, HasSubstr("two places"));
  ASSERT_TRUE(list.add(4096, 2048, 4096));
  EXPECT_THAT(std::move(list).finish().error().text, HasSubstr("same place"));
}

TEST(ExtentList, OnlySoManyPieces) {
  ExtentList list(UINT64_MAX, UINT64_MAX);
  for (std::uint64_t i = 0; i < kMaxExtents; ++i) ASSERT_TRUE(list.add(i * 512, i * 1024, 512));
  EXPECT_EQ(list.add(kMaxExtents * 512, kMaxExtents * 1024, 512).error().code, Code::NoMemory);
}

class Numbers final : public ByteSource {
 public:
  [[nodiscard]] std::uint64_t size() const override { return 256; }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    if (offset > size() || out.size() > size() - offset) return fail(Code::Corrupt, "past the end");
    for (auto& byte : out) byte = static_cast<std::byte>(offset++);
    return {};
  }
};

std::vector<int> read(const FileSource& file, std::uint64_t offset, std::size_t length) {
  std::vector<std::byte> bytes(length, std::byte{0xEE});
  if (!file.read(offset, bytes)) return {};
  std::vector<int> out;
  for (const std::byte byte : bytes) out.push_back(std::to_integer<int>(byte));
  return out;
}

TEST(FileSource, ReadsThroughExtentsHolesAndTheUnwrittenEnd) {
  const Numbers partition;
  const FileSource file(partition, {{0, 100, 3}, {3, 50, 2}, {7, 60, 5}}, 12, 10);
  EXPECT_EQ(file.size(), 12u);
  EXPECT_THAT(read(file, 0, 12), ElementsAre(100, 101, 102, 50, 51, 0, 0, 60, 61, 62, 0, 0));
  EXPECT_THAT(read(file, 2, 2), ElementsAre(102, 50));
  EXPECT_THAT(read(file, 6, 2), ElementsAre(0, 60));
  EXPECT_THAT(read(file, 9, 2), ElementsAre(62, 0));
  EXPECT_THAT(read(file, 11, 1), ElementsAre(0));
  EXPECT_TRUE(file.read(12, {}));
  EXPECT_THAT(read(file, 11, 2), IsEmpty());
  EXPECT_THAT(read(file, 13, 0), IsEmpty());
}

TEST(FileSource, AFileWithoutExtentsIsZeros) {
  const Numbers partition;
  const FileSource file(partition, {}, 3, 3);
  EXPECT_THAT(read(file, 0, 3), ElementsAre(0, 0, 0));
}

TEST(MergeExtents, NeighboursBecomeOne) {
  const std::vector<Extent> extents{{0, 0, 1}, {1, 1, 0}, {1, 1, 2}, {3, 5, 1}, {4, 6, 1}, {6, 8, 1}};
  EXPECT_THAT(merge_extents(extents), ElementsAre(Extent{0, 0, 3}, Extent{3, 5, 2}, Extent{6, 8, 1}));
  EXPECT_THAT(merge_extents({}), IsEmpty());
}

}  // namespace
}  // namespace vhdboot::volume
