// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/arrive/block_map.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "init/arrive/arriving_source.h"
#include "init/arrive/boot_set.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::arrive {
namespace {

using test::Fails;

MapHeader header_of(std::uint64_t blocks) {
  MapHeader header{.data_blocks = blocks};
  header.salt.fill(std::byte{1});
  header.root.fill(std::byte{2});
  header.tail.fill(std::byte{3});
  return header;
}

TEST(MapHeader, IsReadAsItWasWritten) {
  const auto bytes = serialise(header_of(12345), {});
  EXPECT_EQ(bytes.size(), kBlock);
  EXPECT_EQ(parse_map_header(bytes), header_of(12345));
  EXPECT_EQ(header_of(12345).size(), 12345 * kBlock + 512);
}

TEST(MapCopy, IsReadAsItWasWritten) {
  const MapCopy copy{.id = {std::byte{1}, std::byte{9}}, .starts = 7, .counting = true};
  auto bytes = serialise(header_of(5), copy);
  EXPECT_EQ(*parse_map_copy(bytes), copy);
  EXPECT_EQ(*parse_map_header(bytes), header_of(5)) << "which stays as it is";
  EXPECT_EQ(*parse_map_header(serialise(header_of(5), {})), header_of(5));
  bytes[1030] ^= std::byte{1};
  EXPECT_THAT(parse_map_copy(bytes), Fails(Code::Corrupt, "damaged"));
  EXPECT_FALSE(parse_map_copy(Bytes(bytes).first(1200)));
}

TEST(MapCopy, FitsItsOwnImageAlone) {
  MapCopy copy{.id = {std::byte{1}}, .starts = 7};
  EXPECT_TRUE(copy.fits(copy.id, 7));
  EXPECT_FALSE(copy.fits(copy.id, 6)) << "an older image";
  EXPECT_FALSE(copy.fits(copy.id, 8)) << "an older map";
  EXPECT_FALSE(copy.fits({}, 7));
  copy.counting = true;
  EXPECT_TRUE(copy.fits(copy.id, 7)) << "the power went before the image was marked";
  EXPECT_TRUE(copy.fits(copy.id, 8)) << "or before the map said so";
  EXPECT_FALSE(copy.fits(copy.id, 9));
}

TEST(MapHeader, Refused) {
  EXPECT_THAT(parse_map_header({}), Fails(Code::Corrupt, "does not tell which blocks"));
  auto bytes = serialise(header_of(5), {});
  EXPECT_THAT(parse_map_header(Bytes(bytes).first(kBlock - 1)), Fails(Code::Corrupt, "does not tell which blocks"));
  bytes[600] ^= std::byte{1};
  EXPECT_THAT(parse_map_header(bytes), Fails(Code::Corrupt, "damaged"));
  EXPECT_THAT(parse_map_header(serialise(header_of(0), {})), Fails(Code::Unsupported, "impossible size"));
}

TEST(MapLayout, OneBitForEachBlock) {
  EXPECT_EQ(MapLayout(1).bits, (Blocks{1, 1}));
  EXPECT_EQ(MapLayout(32768).bits, (Blocks{1, 1}));
  EXPECT_EQ(MapLayout(32769).bits, (Blocks{1, 2}));
  EXPECT_EQ(MapLayout(32769).record, (Blocks{3, kRecordBlocks}));
  EXPECT_EQ(MapLayout(32769).size(), (3 + kRecordBlocks) * kBlock);
}

TEST(BlockMap, WhatIsThereAndWhatIsMissing) {
  std::vector<std::byte> bits(kBlock);
  BlockMap map(bits, 101);
  EXPECT_EQ(map.next(0, true), 101U);
  EXPECT_EQ(map.missing({0, 1000}), (std::vector<Blocks>{{0, 101}}));
  map.add({3, 2});
  map.add({8, 80});
  map.add({100, 1});
  EXPECT_TRUE(map.has(3) && map.has(4) && map.has(87) && map.has(100));
  EXPECT_FALSE(map.has(2) || map.has(5) || map.has(88));
  EXPECT_EQ(map.count(), 83U);
  EXPECT_EQ(map.missing({0, 1000}), (std::vector<Blocks>{{0, 3}, {5, 3}, {88, 12}}));
  EXPECT_EQ(map.missing({4, 90}), (std::vector<Blocks>{{5, 3}, {88, 6}}));
  EXPECT_EQ(map.next(8, false), 88U);
  EXPECT_FALSE(map.complete());
  map.add({0, 101});
  EXPECT_TRUE(map.complete());
  EXPECT_EQ(map.count(), 101U);
  EXPECT_EQ(BlockMap::part_of(32767), 0U);
  EXPECT_EQ(BlockMap::part_of(32768), 1U);
}

TEST(Record, IsReadAsItWasWritten) {
  const std::vector<Blocks> blocks{{7, 1}, {100, 0xFFFF}, {5, 3}};
  EXPECT_EQ(parse_record(serialise_record(blocks), 200'000), blocks);
  EXPECT_EQ(parse_record(serialise_record({{0, 0x10000}}), 200'000), (std::vector<Blocks>{{0, 0xFFFF}, {0xFFFF, 1}}));
  EXPECT_EQ(parse_record(serialise_record(blocks), 50), (std::vector<Blocks>{{7, 1}}));
  EXPECT_EQ(parse_record({}, 50), std::vector<Blocks>());
  const std::vector<Blocks> many(kMostRecorded + 5, Blocks{1, 1});
  EXPECT_EQ(parse_record(serialise_record(many), 50).size(), kMostRecorded);
}

TEST(BootSet, IsReadAsItWasWritten) {
  const std::vector<Blocks> blocks{{7, 1}, {0, 5}};
  EXPECT_EQ(to_text(blocks, 12), "vhdboot-boot-set/1 12\n7 1\n0 5\n");
  EXPECT_EQ(parse_boot_set(to_text(blocks, 12), 12), blocks);
}

TEST(BootSet, Refused) {
  EXPECT_THAT(parse_boot_set("", 12), Fails(Code::Corrupt, "no list"));
  EXPECT_THAT(parse_boot_set("vhdboot-boot-set/1 13\n", 12), Fails(Code::Unsafe, "image of 13 blocks"));
  for (const char* line : {"12 1", "11 2", "1", "a 1", "1 0", "1 1 1", "0 18446744073709551615"})
    EXPECT_THAT(parse_boot_set(std::string("vhdboot-boot-set/1 12\n0 1\n") + line + "\n", 12),
                Fails(Code::Corrupt, "line 3"))
        << line;
}

TEST(ArrivingSource, WhatIsMissingIsNoZeros) {
  const MapHeader header = header_of(4);
  std::vector<std::byte> file(static_cast<std::size_t>(header.size()), std::byte{9});
  std::vector<std::byte> bits(kBlock);
  BlockMap map(bits, 4);
  map.add({0, 2});
  map.add({3, 1});
  const MemorySource memory(file);
  const ArrivingSource source(memory, map, header);
  EXPECT_EQ(source.size(), header.size());
  std::vector<std::byte> out(2 * kBlock);
  EXPECT_TRUE(source.read(0, out));
  EXPECT_THAT(source.read(1, out), Fails(Code::Unsupported, "the bytes from 8192 on have not arrived"));
  out.resize(kBlock + 512);
  EXPECT_TRUE(source.read(3 * kBlock, out));
  EXPECT_EQ(out[kBlock - 1], std::byte{9});
  EXPECT_EQ(out[kBlock], std::byte{3});
  out.resize(12);
  EXPECT_TRUE(source.read(4 * kBlock + 500, out));
  EXPECT_TRUE(std::ranges::all_of(out, [](std::byte byte) { return byte == std::byte{3}; }));
  EXPECT_THAT(source.read(4 * kBlock + 501, out), Fails(Code::Corrupt, "past the end"));
}

}  // namespace
}  // namespace vhdboot::arrive
