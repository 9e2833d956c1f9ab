// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/decompress.h"

#include "init/modules/codecs.h"

#include <fstream>

#include "tests/unit/base/error_matchers.h"
#include "tests/unit/base/oracle.h"
#include "tests/unit/modules/sample.h"

namespace vhdboot::modules {
namespace {

using test::Fails;
using test::sample;

constexpr std::size_t kRoomy = 64U << 20;

std::vector<std::byte> load(const std::filesystem::path& file) {
  std::vector<std::byte> bytes(std::filesystem::file_size(file));
  std::ifstream in(file, std::ios::binary);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

struct Tool {
  const char* program;
  const char* command;
  Compression compression;
};

class Decompress : public testing::TestWithParam<Tool> {
 protected:
  void SetUp() override {
    if (!test::have(GetParam().program)) GTEST_SKIP() << GetParam().program << " is missing";
  }
  [[nodiscard]] std::vector<std::byte> compressed(Bytes bytes) const {
    const test::ScratchFolder folder;
    const auto file = folder.write("data", bytes);
    const auto out = folder.path() / "out";
    EXPECT_TRUE(test::output_of(std::string(GetParam().command) + " <" + file.string() + " >" + out.string()));
    return load(out);
  }
};

TEST_P(Decompress, WhatTheToolMade) {
  for (const std::size_t size : {0U, 1U, 1000U, 600'000U}) {
    const auto data = sample(size);
    const auto packed = compressed(data);
    EXPECT_EQ(detect_compression(packed), GetParam().compression);
    const auto unpacked = decompress(packed, kRoomy, make_decompressor);
    ASSERT_TRUE(unpacked) << unpacked.error().text;
    EXPECT_TRUE(*unpacked == data) << size;
  }
}

TEST_P(Decompress, TheCapIsExact) {
  const auto data = sample(100'000);
  const auto packed = compressed(data);
  EXPECT_TRUE(decompress(packed, data.size(), make_decompressor));
  EXPECT_THAT(decompress(packed, data.size() - 1, make_decompressor), Fails(Code::NoMemory, "data holds more than"));
  EXPECT_THAT(decompress(packed, 0, make_decompressor), Fails(Code::NoMemory, "data holds more than"));
}

TEST_P(Decompress, ABombStopsAtTheCap) {
  const auto packed = compressed(std::vector<std::byte>(20'000'000));
  EXPECT_LT(packed.size(), 100'000u);
  EXPECT_THAT(decompress(packed, 1'000'000, make_decompressor), Fails(Code::NoMemory, "data holds more than 976"));
}

TEST_P(Decompress, EveryCutIsNoticed) {
  const auto packed = compressed(sample(2000));
  for (std::size_t size = 6; size < packed.size(); ++size)
    ASSERT_THAT(decompress(Bytes(packed).first(size), kRoomy, make_decompressor), Fails(Code::Corrupt, "damaged"))
        << size;
}

TEST_P(Decompress, DamageIsNoticed) {
  if (GetParam().compression == Compression::Lz4) GTEST_SKIP() << "its legacy format has no checksums";
  const auto packed = compressed(sample(2000));
  for (std::size_t i = packed.size() / 2; i < packed.size(); ++i) {
    auto damaged = packed;
    damaged[i] ^= std::byte{0x55};
    const auto result = decompress(damaged, kRoomy, make_decompressor);
    // gzip's last field is the size, xz's are its magic: all of it is checked.
    ASSERT_FALSE(result) << i;
  }
}

TEST_P(Decompress, SeveralStreams) {
  const auto data = sample(5000);
  auto packed = compressed(data);
  const auto once = packed;
  packed.insert(packed.end(), once.begin(), once.end());
  const auto unpacked = decompress(packed, kRoomy, make_decompressor);
  ASSERT_TRUE(unpacked) << unpacked.error().text;
  EXPECT_EQ(unpacked->size(), 2 * data.size());
}

// As a stream of which the reader sees a little at a time, and behind which something else follows.
TEST_P(Decompress, PieceByPiece) {
  const auto data = sample(100'000);
  auto packed = compressed(data);
  const std::size_t size = packed.size();
  packed.insert(packed.end(), 100, std::byte{0});
  const auto decoder = make_decompressor(GetParam().compression);
  std::vector<std::byte> unpacked;
  std::vector<std::byte> room(77);
  std::size_t at = 0;
  for (bool complete = false; !complete;) {
    const auto step = decoder->step(Bytes(packed).subspan(at, std::min<std::size_t>(13, packed.size() - at)), room);
    ASSERT_TRUE(step) << step.error().text;
    ASSERT_TRUE(step->taken > 0 || step->given > 0 || step->complete);
    at += step->taken;
    unpacked.insert(unpacked.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(step->given));
    complete = step->complete;
    ASSERT_LE(unpacked.size(), data.size());
  }
  EXPECT_TRUE(unpacked == data);
  EXPECT_EQ(at, size);
}

INSTANTIATE_TEST_SUITE_P(Tools, Decompress,
                         testing::Values(Tool{"gzip", "gzip -9n", Compression::Gzip},
                                         Tool{"xz", "xz -c --check=crc32 --lzma2=dict=1MiB", Compression::Xz},
                                         Tool{"zstd", "zstd -q -c -9 --check", Compression::Zstd},
                                         Tool{"bzip2", "bzip2 -c", Compression::Bzip2},
                                         Tool{"lz4", "lz4 -q -l -c", Compression::Lz4}),
                         [](const auto& info) { return std::string(info.param.program); });

// Blocks of 8 MiB, the last one of them full or not; and a word of zeros behind a full one.
TEST(DecompressLz4, SeveralBlocks) {
  if (!test::have("lz4")) GTEST_SKIP() << "lz4 is missing";
  for (const std::size_t size : {16U << 20, (16U << 20) + 1, (8U << 20) - 1}) {
    const auto data = sample(size);
    const test::ScratchFolder folder;
    const auto file = folder.write("data", data);
    ASSERT_TRUE(test::output_of("lz4 -q -l " + file.string() + " " + (folder.path() / "out").string()));
    auto packed = load(folder.path() / "out");
    EXPECT_TRUE(decompress(packed, kRoomy, make_decompressor) == data);
    packed.insert(packed.end(), 12, std::byte{0});
    EXPECT_TRUE(decompress(packed, kRoomy, make_decompressor) == data);
  }
  EXPECT_THAT(decompress(as_bytes("\x02\x21\x4C\x18\xFF\xFF\xFF\x7F"), kRoomy, make_decompressor),
              Fails(Code::Corrupt, "too large"));
  EXPECT_THAT(decompress(as_bytes(std::string_view("\x02\x21\x4C\x18\x01\0\0\0\xFF", 9)), kRoomy, make_decompressor),
              Fails(Code::Corrupt, "wrong"));
}

TEST(DecompressNone, IsTheFileItself) {
  const auto data = sample(100);
  EXPECT_EQ(detect_compression(data), Compression::None);
  EXPECT_EQ(detect_compression({}), Compression::None);
  EXPECT_EQ(*decompress(data, 100, make_decompressor), data);
  EXPECT_THAT(decompress(data, 99, make_decompressor), Fails(Code::NoMemory, "more than 99 B"));
  EXPECT_TRUE(decompress({}, 0, make_decompressor)->empty());
  EXPECT_EQ(name(Compression::Zstd), "zstd");
  EXPECT_EQ(name(Compression::None), "none");
}

}  // namespace
}  // namespace vhdboot::modules
