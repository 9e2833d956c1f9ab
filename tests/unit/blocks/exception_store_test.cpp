// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/exception_store.h"

#include "base/units.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::blocks {
namespace {

using test::Fails;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

constexpr std::uint64_t kChunk = 4 * kKiB;
constexpr std::uint64_t kOld = 1000;

ExceptionStore store() {
  return *ExceptionStore::make(kChunk, kOld, most_data_chunks(kChunk));
}

// As write_header() in drivers/md/dm-snap-persistent.c lays it.
std::vector<std::byte> header(std::uint32_t valid, std::uint32_t sectors = kChunk / kSectorSize) {
  std::vector<std::byte> bytes(kChunk);
  std::ranges::copy(as_bytes("SnAp"), bytes.begin());
  EXPECT_TRUE(store_le(bytes, 4, valid) && store_le(bytes, 8, std::uint32_t{1}) && store_le(bytes, 12, sectors));
  return bytes;
}

std::vector<std::byte> area(std::span<const Exception> pairs) {
  std::vector<std::byte> bytes(kChunk);
  for (std::size_t i = 0; i < pairs.size(); ++i)
    EXPECT_TRUE(store_le(bytes, 16 * i, pairs[i].old_chunk) && store_le(bytes, 16 * i + 8, pairs[i].new_chunk));
  return bytes;
}

std::vector<Exception> many(std::size_t count) {
  std::vector<Exception> pairs;
  for (std::size_t i = 0; i < count; ++i) pairs.push_back({.old_chunk = 900 - 3 * i, .new_chunk = 2 + i});
  return pairs;
}

TEST(ExceptionStore, TakesWhatTheKernelWritesInTheOrderOfTheSpike) {
  ExceptionStore metadata = store();
  EXPECT_EQ(metadata.size(), 2 * kChunk);
  EXPECT_THAT(*metadata.write(0, header(1)), IsEmpty());
  EXPECT_THAT(*metadata.write(kChunk, area({})), IsEmpty());
  const std::vector<Exception> first{{3, 2}};
  EXPECT_THAT(*metadata.write(kChunk, area(first)), ElementsAre(Exception{3, 2}));
  EXPECT_THAT(*metadata.write(kChunk, area(first)), IsEmpty()) << "a part that is sent again";
  const std::vector<Exception> then{{3, 2}, {0, 3}, {999, 4}};
  EXPECT_THAT(*metadata.write(kChunk, area(then)), ElementsAre(Exception{0, 3}, Exception{999, 4}));
  EXPECT_EQ(metadata.count(), 3);
  EXPECT_TRUE(std::ranges::equal(*metadata.read(kChunk, kChunk), area(then)));
  EXPECT_TRUE(metadata.valid());
  EXPECT_THAT(*metadata.write(0, header(0)), IsEmpty());
  EXPECT_FALSE(metadata.valid());
}

TEST(ExceptionStore, AnAreaMayBeCutBetweenAnySectors) {
  const auto pairs = many(most_data_chunks(kChunk));
  const auto bytes = area(pairs);
  for (std::size_t cut = 0; cut <= kChunk; cut += kSectorSize) {
    ExceptionStore metadata = store();
    std::vector<Exception> got;
    for (const auto& [from, to] : {std::pair(cut, kChunk), std::pair(std::uint64_t{0}, std::uint64_t{cut})}) {
      const auto fresh = *metadata.write(kChunk + from, Bytes(bytes).subspan(from, to - from));
      got.insert(got.end(), fresh.begin(), fresh.end());
    }
    EXPECT_THAT(got, testing::UnorderedElementsAreArray(pairs));
  }
}

TEST(ExceptionStore, OneThatBeginsLaterLearnsAllPairsAtOnce) {
  ExceptionStore metadata = store();
  const auto pairs = many(100);
  EXPECT_THAT(*metadata.write(kChunk, area(pairs)), ElementsAreArray(pairs));
}

TEST(ExceptionStore, WhatNoKernelWrites) {
  const auto refuses = [](std::vector<Exception> pairs, const char* why) {
    ExceptionStore metadata = store();
    EXPECT_TRUE(metadata.write(kChunk, area(std::vector<Exception>{{3, 2}})));
    EXPECT_THAT(metadata.write(kChunk, area(pairs)), Fails(Code::Corrupt, why));
  };
  refuses({{4, 2}}, "had put another one");
  refuses({}, "had put another one");
  refuses({{3, 2}, {3, 3}}, "taken before");
  refuses({{3, 2}, {4, 2}}, "taken before");
  refuses({{3, 2}, {kOld, 3}}, "not there");
  refuses({{3, 2}, {5, 1}}, "not there");
  refuses({{3, 2}, {5, 0}}, "not there");
  refuses({{3, 2}, {5, 2 + most_data_chunks(kChunk)}}, "not there");
  refuses({{3, 2}, {UINT64_MAX, UINT64_MAX}}, "not there");

  ExceptionStore metadata = store();
  EXPECT_THAT(metadata.write(0, header(1, 16)), Fails(Code::Corrupt, "header"));
  EXPECT_THAT(metadata.write(0, header(2)), Fails(Code::Corrupt, "header"));
  EXPECT_THAT(metadata.write(0, area(many(1))), Fails(Code::Corrupt, "header"));
  EXPECT_THAT(metadata.write(2 * kChunk, header(1)), Fails(Code::Corrupt, "byte 8192"));
  EXPECT_THAT(metadata.write(kChunk + 1, area({})), Fails(Code::Corrupt, "byte 4097"));
  EXPECT_THAT(metadata.write(UINT64_MAX - 511, header(1)), Fails(Code::Corrupt, "writes 4096 bytes"));
  EXPECT_THAT(metadata.write(0, Bytes(header(1)).first(100)), Fails(Code::Corrupt, "writes 100 bytes"));
  EXPECT_THAT(metadata.read(2 * kChunk - 1, 2), Fails(Code::Corrupt, "reads byte 8191"));
}

TEST(ExceptionStore, StoresThatCannotBe) {
  EXPECT_TRUE(ExceptionStore::make(kMaxChunk, 1, most_data_chunks(kMaxChunk)));
  EXPECT_THAT(ExceptionStore::make(kChunk, kOld, most_data_chunks(kChunk) + 1), Fails(Code::Invalid, "store of 256"));
  EXPECT_THAT(ExceptionStore::make(kChunk, kOld, 0), Fails(Code::Invalid, "store of 0"));
  EXPECT_THAT(ExceptionStore::make(kChunk, 0, 1), Fails(Code::Invalid, "0 chunks"));
  EXPECT_THAT(ExceptionStore::make(kChunk, UINT64_MAX, 1), Fails(Code::Invalid, "chunks of 4096"));
  for (const std::uint64_t size : {std::uint64_t{0}, 3 * kKiB, 12 * kKiB, 2 * kMaxChunk})
    EXPECT_THAT(ExceptionStore::make(size, kOld, 1), Fails(Code::Invalid, "cannot have a store"));
}

}  // namespace
}  // namespace vhdboot::blocks
