// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/blocks/writer.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/units.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::blocks {
namespace {

using test::Fails;

constexpr std::uint64_t kPiece = kStorePiece;
constexpr std::uint64_t kList = kPiece / 16 + 1;  // pieces, with the one that it is in

TEST(Writer, MemoryForAStore) {
  const auto writer = memory_writer(512 * kMiB, kGiB);
  ASSERT_TRUE(writer);
  EXPECT_EQ(writer->kind, WriterKind::Memory);
  EXPECT_LE(writer->store_size, 512 * kMiB);
  EXPECT_GT(writer->store_size, 511 * kMiB - kMiB);
  EXPECT_TRUE(memory_writer(768 * kMiB, kGiB));
}

TEST(Writer, TheGuestNeedsMemoryToo) {
  EXPECT_THAT(memory_writer(768 * kMiB + 1, kGiB), Fails(Code::Unsupported, "the guest needs at least 256 MiB"));
  EXPECT_THAT(memory_writer(235 * kMiB, 470 * kMiB), Fails(Code::Unsupported, "in 235 MiB of the 470 MiB of memory"));
  EXPECT_THAT(memory_writer(0, 100 * kMiB), Fails(Code::Unsupported, "the guest needs"));
  EXPECT_THAT(memory_writer(UINT64_MAX, kGiB), Fails(Code::Unsupported, "the guest needs"));
  EXPECT_THAT(memory_writer(63 * kMiB, kGiB), Fails(Code::Unsupported, "give it at least 64 MiB"));
}

TEST(Writer, AScratchFile) {
  EXPECT_EQ(*file_writer(kGiB, kGiB), (Writer{.kind = WriterKind::File, .store_size = kGiB}));
  EXPECT_EQ(file_writer(kGiB + 511, UINT64_MAX)->store_size, kGiB);
  EXPECT_EQ(file_writer(UINT64_MAX, kGiB)->store_size, kGiB / 4 / 32 * kPiece) << "what the kernel must remember of it";
  EXPECT_THAT(file_writer(kMinStore - 1, kGiB), Fails(Code::Unsupported, "at least 64 MiB"));
  EXPECT_TRUE(file_writer(kMinStore, kGiB));
}

TEST(Writer, WhatMayBeWrittenOver) {
  const auto check = [](const std::vector<std::byte>& bytes) { return check_scratch(MemorySource(bytes)); };
  std::vector<std::byte> zeros(2 * kMiB);
  EXPECT_TRUE(check(zeros));
  auto used = zeros;
  // Of this vhdboot, and of one before.
  for (const std::uint64_t piece : {kPiece, 4 * kKiB}) {
    for (const auto& [at, value] : {std::pair{0U, 0x70416e53U}, {4U, 1U}, {8U, 1U}, {4096U, 0xFFFFU}})
      (void)store_le<std::uint32_t>(used, at, value);
    (void)store_le<std::uint32_t>(used, 12, static_cast<std::uint32_t>(piece / kSectorSize));
    EXPECT_TRUE(check(used)) << piece;
  }
  for (const std::size_t at : {0, 8, 12}) {
    auto other = used;
    other[at] ^= std::byte{3};
    EXPECT_THAT(check(other), Fails(Code::Unsupported, "something else is in it")) << at;
  }
  for (const std::size_t at : {std::size_t{0}, std::size_t{510}, std::size_t{65600}, kMiB - 1}) {
    auto other = zeros;
    other[at] = std::byte{1};
    EXPECT_FALSE(check(other)) << at;
  }
  auto vhd = zeros;
  const std::string cookie = "conectix";
  std::ranges::copy(as_bytes(cookie), vhd.end() - 512);
  EXPECT_FALSE(check(vhd)) << "a VHD of a disk that begins with zeroes";
  EXPECT_FALSE(check({}));
}

TEST(Writer, AStoreIsNeverFullToTheLastPieceOfAList) {
  // A header; then again and again a list and its pieces.
  for (std::uint64_t pieces = 3; pieces < 4 * kList; ++pieces) {
    const std::uint64_t size = whole_store(pieces * kPiece + kPiece - 1);
    ASSERT_EQ(size % kPiece, 0U);
    ASSERT_LE(size, pieces * kPiece);
    ASSERT_GE(size + kPiece, pieces * kPiece);
    ASSERT_NE((size / kPiece - 1) % kList, 0U) << pieces;
  }
  for (const std::uint64_t nothing : {std::uint64_t{0}, std::uint64_t{1}, 2 * kPiece, 3 * kPiece - 1})
    EXPECT_EQ(whole_store(nothing), 0U);
  EXPECT_EQ(whole_store((kList + 1) * kPiece), kList * kPiece);
}

TEST(Writer, WhatTheKernelTellsOfAStore) {
  const StoreUse none{.state = StoreUse::State::Good, .used = 8192, .size = 409600ULL * 512};
  EXPECT_EQ(parse_store_use("16/409600 16"), none);
  EXPECT_EQ(parse_store_use("16/409600"), none);
  EXPECT_EQ(parse_store_use("Overflow")->state, StoreUse::State::Full);
  EXPECT_EQ(parse_store_use("Invalid")->state, StoreUse::State::Lost);
  for (const char* wrong : {"", "Unknown", "Merge failed", "16", "16/", "/16", "17/16 1", "0/0 0", "x/16 1", "16/1x 1",
                            "1/18446744073709551615 1"})
    EXPECT_FALSE(parse_store_use(wrong)) << wrong;
}

TEST(Writer, PerCent) {
  const auto of = [](std::uint64_t used) { return percent({.used = used, .size = 1000}, 5000); };
  EXPECT_EQ(of(0), 0U);
  EXPECT_EQ(of(699), 69U);
  EXPECT_EQ(of(700), 70U);
  EXPECT_EQ(of(1000), 99U) << "nothing has failed yet";
  EXPECT_EQ(percent({.state = StoreUse::State::Full}, 5000), 100U);
  EXPECT_EQ(percent({.state = StoreUse::State::Lost}, 5000), 100U);
  EXPECT_EQ(percent({.used = UINT64_MAX, .size = UINT64_MAX}, UINT64_MAX), 99U);
  EXPECT_EQ(percent({.used = 0, .size = 1000}, 0), 99U) << "no memory is there";
}

TEST(Writer, MemoryThatIsNotThereCountsAsUsed) {
  EXPECT_EQ(percent({.used = 400, .size = 1000}, 600), 40U);
  EXPECT_EQ(percent({.used = 400, .size = 1000}, 400), 50U);
  EXPECT_EQ(percent({.used = 400, .size = 1000}, 0), 99U);
}

TEST(Writer, WarnsOnceAtEachMark) {
  constexpr auto kMemory = WriterKind::Memory;
  const StoreUse good{.used = 700 * kMiB, .size = kGiB};
  for (const auto& [before, now] : std::vector<std::pair<unsigned, unsigned>>{{0, 69}, {70, 89}, {90, 96}, {97, 99}})
    EXPECT_FALSE(space_warning(before, now, good, kMemory)) << now;
  EXPECT_EQ(space_warning(69, 70, good, kMemory),
            "the memory for what the guest writes is 70% full, with 700 MiB: when it is full nothing more can be "
            "written");
  EXPECT_THAT(space_warning(0, 95, good, kMemory).value(), testing::HasSubstr(" 95% full"));
  EXPECT_THAT(space_warning(96, 97, good, kMemory).value(), testing::HasSubstr(" 97% full"));
  EXPECT_THAT(space_warning(97, 100, {.state = StoreUse::State::Full}, kMemory).value(), testing::HasSubstr("is full"));
  EXPECT_THAT(space_warning(97, 100, {.state = StoreUse::State::Lost}, kMemory).value(),
              testing::HasSubstr("has failed"));
  EXPECT_THAT(space_warning(97, 100, {.state = StoreUse::State::Full}, WriterKind::File).value(),
              testing::StartsWith("the scratch file for what the guest writes is full"));
}

TEST(Writer, UseAsText) {
  EXPECT_EQ(to_text(StoreUse{.used = 8192, .size = 409600}), "state good\nused 8192\nsize 409600\n");
  EXPECT_EQ(to_text(StoreUse{.state = StoreUse::State::Full}), "state full\n");
  EXPECT_EQ(to_text(StoreUse{.state = StoreUse::State::Lost}), "state lost\n");
}

}  // namespace
}  // namespace vhdboot::blocks
