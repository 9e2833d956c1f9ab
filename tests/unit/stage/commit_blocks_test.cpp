// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/commit_blocks.h"

#include "base/units.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/vhd/chain_images.h"
#include "vhd/disk.h"

namespace vhdboot::stage {
namespace {

using test::Fails;

constexpr std::uint64_t kBlocks = 200;
constexpr std::size_t kPlaces = 70;

// A file of the tests that can be written, with room for more blocks; that of a VHD has its footer behind it.
class GrowingFile final : public vhd::ByteFile {
 public:
  explicit GrowingFile(const test::SparseFile& file, bool vhd = false)
      : bytes_(align_up(file.size(), kMiB) + kPlaces * kMiB + (vhd ? kPlaces * 4 * kKiB + vhd::kFooterSize : 0)) {
    EXPECT_TRUE(file.read(0, MutableBytes(bytes_).first(file.size())));
    if (vhd) EXPECT_TRUE(file.read(file.size() - vhd::kFooterSize, MutableBytes(bytes_).last(vhd::kFooterSize)));
  }
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] Result<void> read(std::uint64_t offset, MutableBytes out) const override {
    const auto part = slice(bytes_, offset, out.size());
    if (!part) return fail(Code::Corrupt, "past the end");
    std::ranges::copy(*part, out.begin());
    return {};
  }
  [[nodiscard]] Result<void> write(std::uint64_t offset, Bytes data) override {
    if (broken) return fail(Code::Io, "a broken disk");
    EXPECT_LE(offset + data.size(), bytes_.size());
    std::ranges::copy(data, bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
    return {};
  }
  [[nodiscard]] Result<void> resize(std::uint64_t) override { return fail(Code::Unsupported, "never"); }

  bool broken = false;

 private:
  std::vector<std::byte> bytes_;
};

// One block is there, and in a VHD another one in part, which must get another place.
test::ImageSpec spec(bool vhd) {
  test::ImageSpec spec{.disk = kBlocks * kMiB, .block = kMiB, .id = Guid{.bytes = {std::byte{1}}}, .blocks = {{5, {}}}};
  if (vhd) spec.blocks[30] = [](std::uint64_t sector) { return sector < 9; };
  return spec;
}

class CommitBlocks : public testing::TestWithParam<vhd::Format> {
 protected:
  CommitBlocks() : file_(is_vhd() ? test::vhd_of(spec(true)) : test::vhdx_of(spec(false)), is_vhd()) {
    const auto writer = open_block_writer(file_, true);
    EXPECT_TRUE(writer) << writer.error().message();
    session_ = {.block_size = kMiB, .blocks = kBlocks, .places = (*writer)->free_places(kPlaces)};
    EXPECT_TRUE((*writer)->close());
    EXPECT_EQ(session_.places.size(), kPlaces);
  }

  static bool is_vhd() { return GetParam() == vhd::Format::DynamicVhd; }

  // What the kernel writes when it has put those chunks of the disk into the store, one after the other.
  static std::vector<std::byte> area(const std::vector<std::uint64_t>& old_chunks) {
    std::vector<std::byte> bytes(kMiB);
    for (std::size_t i = 0; i < old_chunks.size(); ++i)
      EXPECT_TRUE(store_le(bytes, 16 * i, old_chunks[i]) &&
                  store_le(bytes, 16 * i + 8, std::uint64_t{blocks::kFirstDataChunk + i}));
    return bytes;
  }

  // Each block lies where the pairs say, for whoever opens the file now.
  void expect_in_table(const std::vector<std::uint64_t>& old_chunks) {
    const auto disk = vhd::open_disk(file_, "image");
    ASSERT_TRUE(disk) << disk.error().message();
    for (std::size_t i = 0; i < old_chunks.size(); ++i) {
      const auto piece = (*disk)->blocks()->locate(old_chunks[i] * kMiB, kMiB);
      ASSERT_TRUE(piece);
      EXPECT_EQ(piece->origin, vhd::SparseDisk::Origin::File);
      EXPECT_EQ(piece->file_offset, session_.places[i]);
      EXPECT_EQ(piece->length, kMiB);
    }
  }

  GrowingFile file_;
  BlockSession session_;
};

TEST_P(CommitBlocks, PairsAreInTheTableWhenTheyAreAnswered) {
  auto committer = *BlockCommitter::open(file_, session_);
  std::vector<std::uint64_t> old_chunks;
  for (const std::uint64_t chunk : {7U, 0U, 199U, 8U, 100U}) {
    old_chunks.push_back(chunk);
    ASSERT_TRUE(committer.write(kMiB, area(old_chunks)));
    expect_in_table(old_chunks);
  }
  EXPECT_EQ(committer.places_left(), kPlaces - old_chunks.size());
  ASSERT_TRUE(committer.rest());
  EXPECT_FALSE((*vhd::open_disk(file_, "image"))->info().log_dirty);
  expect_in_table(old_chunks);
  old_chunks.push_back(1);
  ASSERT_TRUE(committer.write(kMiB, area(old_chunks))) << "after a rest";
  expect_in_table(old_chunks);
}

TEST_P(CommitBlocks, AnotherOneTakesOver) {
  const std::vector<std::uint64_t> before{7, 8, 9};
  ASSERT_TRUE(BlockCommitter::open(file_, session_)->write(kMiB, area(before))) << "and is killed before it answers";
  auto committer = *BlockCommitter::open(file_, session_);
  ASSERT_TRUE(committer.write(kMiB, area(before)));
  const std::vector<std::uint64_t> after{7, 8, 9, 30};
  ASSERT_TRUE(committer.write(kMiB, area(after)));
  expect_in_table(after);
  EXPECT_EQ(committer.places_left(), kPlaces - after.size());
}

TEST_P(CommitBlocks, WhatIsNotInTheTableIsNotAnswered) {
  auto committer = *BlockCommitter::open(file_, session_);
  file_.broken = true;
  EXPECT_THAT(committer.write(kMiB, area({7})), Fails(Code::Io, "broken disk"));
  file_.broken = false;
  EXPECT_FALSE(committer.write(kMiB, area({7, 8}))) << "nobody knows what is in the file";
  EXPECT_THAT(committer.write(kMiB, area({7, 8, kBlocks})), Fails(Code::Corrupt, "not there"));
}

TEST_P(CommitBlocks, AnotherTableThanBefore) {
  session_.blocks = kBlocks - 1;
  EXPECT_THAT(BlockCommitter::open(file_, session_), Fails(Code::Corrupt, "another size than before"));
}

INSTANTIATE_TEST_SUITE_P(Formats, CommitBlocks, testing::Values(vhd::Format::Vhdx, vhd::Format::DynamicVhd),
                         [](const auto& format) { return format.param == vhd::Format::Vhdx ? "vhdx" : "vhd"; });

TEST(OpenBlockWriter, OtherFormats) {
  GrowingFile file{test::SparseFile(kMiB)};
  EXPECT_THAT(open_block_writer(file, true), Fails(Code::Unsupported, "no new blocks"));
}

}  // namespace
}  // namespace vhdboot::stage
