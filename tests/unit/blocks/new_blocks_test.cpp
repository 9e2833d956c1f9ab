// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/new_blocks.h"

#include "base/units.h"
#include "init/blocks/exception_store.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/vhd/chain_images.h"

namespace vhdboot::blocks {
namespace {

using test::Fails;
using test::ImageSpec;

constexpr Guid kOwn{.bytes = {std::byte{1}}};
constexpr std::uint64_t kSectors = kMiB / kSectorSize;

// Where a sector of a device lies, by its rows: every sector must lie in exactly one.
const Row& row_of(std::span<const Row> rows, std::uint64_t sector) {
  const auto row = std::ranges::find_if(
      rows, [&](const Row& one) { return one.start <= sector && sector - one.start < one.length; });
  EXPECT_NE(row, rows.end()) << sector;
  return *row;
}

std::uint64_t length_of(std::span<const Row> rows) {
  std::uint64_t end = 0;
  for (const Row& row : rows) {
    EXPECT_EQ(row.start, end);
    end = row.start + row.length;
  }
  return end;
}

std::vector<std::uint64_t> places(std::size_t count, std::uint64_t from = 100, std::uint64_t step = 2) {
  std::vector<std::uint64_t> list;
  for (std::size_t i = 0; i < count; ++i) list.push_back((from + step * i) * kMiB);
  return list;
}

vhd::DiskInfo growing() {
  return {.format = vhd::Format::Vhdx, .block_size = kMiB, .reserve = kMinPlaces * kMiB};
}

TEST(NewBlocks, WhichImages) {
  EXPECT_TRUE(check_new_blocks(growing()));
  auto image = growing();
  image.reserve -= 1;
  EXPECT_THAT(check_new_blocks(image), Fails(Code::Unsupported, "vhdtool reserve"));
  image = growing();
  image.block_size = 32 * kMiB;
  EXPECT_THAT(check_new_blocks(image), Fails(Code::Unsupported, "vhdtool reblock"));
  for (const vhd::Format format : {vhd::Format::DynamicVhd, vhd::Format::DifferencingVhd}) {
    image = growing();
    image.format = format;
    EXPECT_TRUE(check_new_blocks(image));
    image.block_size = 512 * kKiB;
    EXPECT_THAT(check_new_blocks(image), Fails(Code::Unsupported, "of 512 KiB can be made while the guest runs"));
  }
  for (const vhd::Format format : {vhd::Format::Raw, vhd::Format::FixedVhd, vhd::Format::Qcow2}) {
    image = growing();
    image.format = format;
    EXPECT_THAT(check_new_blocks(image), Fails(Code::Unsupported, "no new ones"));
  }
}

// A disk of 7.5 blocks: the last one is cut.
ImageSpec spec() {
  return {.disk = 7 * kMiB + kMiB / 2, .block = kMiB, .id = kOwn, .blocks = {{1, {}}, {2, {}}, {5, {}}, {7, {}}}};
}

TEST(NewBlocks, TheWholeBlocksOfAnImage) {
  const auto file = test::vhdx_of(spec());
  const auto disk = *vhd::open_disk(file, "image");
  const auto whole = *whole_blocks(*disk);
  std::uint64_t all = 0;
  for (const WholeBlocks& blocks : whole) {
    all += blocks.length;
    std::vector<std::byte> there(blocks.length);
    std::vector<std::byte> seen(blocks.length);
    ASSERT_TRUE(file.read(blocks.file_offset, there) && disk->read(blocks.start, seen));
    EXPECT_EQ(there, seen);
  }
  EXPECT_EQ(all, 3 * kMiB + kMiB / 2);
  EXPECT_THAT(whole_blocks(*vhd::open_disk(test::SparseFile(64 * kKiB), "raw").value()),
              Fails(Code::Invalid, "no blocks"));
}

TEST(NewBlocks, ABlockThatIsThereInPartIsNot) {
  ImageSpec child = spec();
  child.parent = Guid{.bytes = {std::byte{2}}};
  child.blocks[1] = [](std::uint64_t sector) { return sector % 2 == 0; };
  const auto file = test::vhdx_of(child);
  const auto whole = *whole_blocks(**vhd::open_disk(file, "image"));
  EXPECT_EQ(whole.front().start, 2 * kMiB);
}

TEST(NewBlocks, EverySectorLiesWhereItShould) {
  const auto image = spec();
  const auto file = test::vhdx_of(image);
  const auto disk = *vhd::open_disk(file, "image");
  const auto whole = *whole_blocks(*disk);
  const std::uint64_t sectors = image.disk / kSectorSize;
  const auto free = places(kMinPlaces);
  const auto rows = *new_block_rows(sectors, kMiB, whole, free, 4096);

  EXPECT_EQ(rows.blocks, 8);
  EXPECT_EQ(length_of(rows.disk), sectors);
  for (std::uint64_t sector = 0; sector < sectors; ++sector) {
    const Row& row = row_of(rows.disk, sector);
    const std::uint64_t below = row.device_sector + (sector - row.start);
    if (!image.blocks.contains(sector / kSectors)) {
      ASSERT_EQ(row.device, 1) << sector;
      ASSERT_EQ(below, sector);
      continue;
    }
    ASSERT_EQ(row.device, 0) << sector;
    std::vector<std::byte> there(kSectorSize);
    ASSERT_TRUE(file.read(below * kSectorSize, there));
    ASSERT_EQ(there, test::marked_sector(image.mark, sector));
  }

  ASSERT_EQ(length_of(rows.cow), (2 + kMinPlaces + 1) * kSectors);
  for (std::uint64_t sector = 0; sector < 2 * kSectors; ++sector) {
    const Row& row = row_of(rows.cow, sector);
    ASSERT_TRUE(row.device == 0 && row.device_sector + (sector - row.start) == sector) << sector;
  }
  for (std::size_t i = 0; i < kMinPlaces; ++i)
    for (std::uint64_t within = 0; within < kSectors; ++within) {
      const std::uint64_t sector = (kFirstDataChunk + i) * kSectors + within;
      const Row& row = row_of(rows.cow, sector);
      ASSERT_EQ(row.device, 1);
      ASSERT_EQ(row.device_sector + (sector - row.start), free[i] / kSectorSize + within);
    }
  EXPECT_EQ(rows.cow.back(), (Row{.kind = RowKind::Zero, .start = (2 + kMinPlaces) * kSectors, .length = kSectors}));

  EXPECT_EQ(rows.places, free);
  const std::vector<std::string> two{"253:1", "253:2"};
  EXPECT_EQ(*to_text(rows.gap, two), concat("0 ", sectors, " snapshot 253:1 253:2 PO 2048\n"));
  EXPECT_EQ(*to_text(rows.gate, two), concat("0 ", sectors, " linear 253:1 0\n", sectors, " 8 linear 253:2 4096\n"));
}

TEST(NewBlocks, ASessionTakesNoMorePlacesThanItsMetadataCanName) {
  const auto free = places(most_data_chunks(kMiB) + 10, 100, 1);
  const auto rows = *new_block_rows(kSectors, kMiB, {}, free, 0);
  EXPECT_EQ(rows.places.size(), 65535);
  EXPECT_EQ(rows.cow.size(), 3) << "places that follow each other are one row";
  EXPECT_EQ(rows.cow[1].length, 65535 * kSectors);
}

TEST(NewBlocks, BlocksOutOfPlace) {
  const auto refuses = [](std::vector<WholeBlocks> whole) {
    EXPECT_THAT(new_block_rows(4 * kSectors, kMiB, whole, places(kMinPlaces), 0), Fails(Code::Corrupt, "out of place"));
  };
  refuses({{.start = 512, .length = kMiB, .file_offset = 0}});
  refuses({{.start = 0, .length = 512, .file_offset = 0}});
  refuses({{.start = 0, .length = kMiB, .file_offset = 1}});
  refuses({{.start = 0, .length = 0, .file_offset = 0}});
  refuses({{.start = 4 * kMiB, .length = kMiB, .file_offset = 0}});
  refuses({{.start = 3 * kMiB, .length = 2 * kMiB, .file_offset = 0}});
  refuses({{.start = kMiB, .length = kMiB, .file_offset = 0}, {.start = kMiB, .length = kMiB, .file_offset = kMiB}});
  refuses({{.start = UINT64_MAX - kMiB + 1, .length = kMiB, .file_offset = 0}});
  EXPECT_THAT(new_block_rows(4 * kSectors, kMiB, {}, places(kMinPlaces - 1), 0), Fails(Code::Unsupported, "reserve"));
  auto odd = places(kMinPlaces);
  odd.back() += 100;
  EXPECT_THAT(new_block_rows(4 * kSectors, kMiB, {}, odd, 0), Fails(Code::Corrupt, "between two sectors"));
  EXPECT_THAT(new_block_rows(4 * kSectors, 3 * kMiB, {}, places(kMinPlaces), 0), Fails(Code::Unsupported, "3145728"));
}

TEST(NewBlocks, RoomThatGetsLess) {
  const auto said = [](std::uint64_t before, std::uint64_t now) {
    return room_warning(before, now, 1000).value_or("");
  };
  EXPECT_EQ(said(1000, 251), "");
  EXPECT_THAT(said(251, 250), testing::HasSubstr("25%"));
  EXPECT_EQ(said(250, 101), "");
  EXPECT_THAT(said(400, 99), testing::HasSubstr("99 more blocks, 9%"));
  EXPECT_THAT(said(51, 50), testing::HasSubstr("5%"));
  EXPECT_THAT(said(21, 20), testing::HasSubstr("2%"));
  EXPECT_THAT(said(17, 16), testing::HasSubstr("read-only now"));
  EXPECT_EQ(said(16, 1), "");
  EXPECT_THAT(said(16, 0), testing::HasSubstr("no room for another block"));
  EXPECT_EQ(said(0, 0), "");
  EXPECT_EQ(said(100, 200), "");
}

}  // namespace
}  // namespace vhdboot::blocks
