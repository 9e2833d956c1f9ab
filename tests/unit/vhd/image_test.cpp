// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/vhd/disks.h"

namespace vhdboot::vhd {
namespace {

using namespace std::string_view_literals;
using test::SparseFile;
using ::testing::HasSubstr;

TEST(Image, ARawImageIsItsOwnPayload) {
  const SparseFile file(10 * kMiB);
  const auto info = identify(file);
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->format, Format::Raw);
  EXPECT_EQ(info->payload_size, 10 * kMiB);
  EXPECT_FALSE(info->uuid());
}

TEST(Image, AFixedVhdEndsInItsFooter) {
  SparseFile file(10 * kMiB);
  test::append_footer(file);
  const auto info = identify(file);
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->format, Format::FixedVhd);
  EXPECT_EQ(info->payload_size, 10 * kMiB);
  EXPECT_EQ(info->uuid(), test::kUuid);
}

TEST(Image, ADamagedFooterIsNoRawImage) {
  SparseFile file(kMiB);
  test::append_footer(file);
  file.put(kMiB + 100, "x");
  const auto info = identify(file);
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, Code::Corrupt);
  EXPECT_THAT(info.error().text, HasSubstr("checksum"));
}

TEST(Image, AnotherSizeInTheFooterNamesBothAndTheRemedy) {
  SparseFile file(2 * kMiB);
  file.put(2 * kMiB, serialise(*make_fixed_footer(kMiB, test::kUuid, 0)));
  const auto info = identify(file, "a.vhd");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, Code::Corrupt);
  EXPECT_THAT(info.error().text, HasSubstr("1048576"));
  EXPECT_THAT(info.error().text, HasSubstr("2097152"));
  EXPECT_THAT(info.error().text, HasSubstr("`raw2vhd \"a.vhd\"`"));
}

TEST(Image, OddSizesAreRefused) {
  EXPECT_EQ(identify(SparseFile(0)).error().code, Code::Corrupt);
  EXPECT_EQ(identify(SparseFile(100)).error().code, Code::Corrupt);
  EXPECT_EQ(identify(SparseFile(kMiB + 1)).error().code, Code::Corrupt);
  SparseFile only_footer(0);
  only_footer.put(0, serialise(*make_fixed_footer(kMiB, test::kUuid, 0)));
  EXPECT_EQ(identify(only_footer).error().code, Code::Corrupt);
}

TEST(Image, AnOddPayloadBeforeARightFooterIsRefused) {
  SparseFile file(1000);
  Footer footer = *make_fixed_footer(512, test::kUuid, 0);
  footer.current_size = 1000;
  file.put(1000, serialise(footer));
  EXPECT_EQ(identify(file).error().code, Code::Corrupt);
}

struct Foreign {
  std::uint64_t offset;
  std::string_view magic;
  Format format;
  std::string_view advice;
};

class ForeignImage : public ::testing::TestWithParam<Foreign> {};

TEST_P(ForeignImage, IsNamedWithTheCommandThatHelps) {
  SparseFile file(kMiB);
  file.put(GetParam().offset, GetParam().magic);
  const auto info = recognise(file);
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->format, GetParam().format);
  EXPECT_EQ(info->payload_size, 0u);
  const auto refused = identify(file, "my disk");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::Unsupported);
  EXPECT_THAT(refused.error().text, HasSubstr(GetParam().advice));
}

INSTANTIATE_TEST_SUITE_P(
    All, ForeignImage,
    ::testing::Values(Foreign{0, "vhdxfile", Format::Vhdx, "-f vhdx -O raw \"my disk\" \"my disk.raw\""},
                      Foreign{0, "QFI\xFB", Format::Qcow2, "-f qcow2 "}, Foreign{0, "QED\0"sv, Format::Qed, "-f qed "},
                      Foreign{64, "\x7F\x10\xDA\xBE", Format::Vdi, "-f vdi "},
                      Foreign{0, "KDMV", Format::Vmdk, "-f vmdk "},
                      Foreign{0, "# Disk DescriptorFile\nversion=1", Format::Vmdk, "-f vmdk "},
                      Foreign{0, "WithoutFreeSpace", Format::Parallels, "-f parallels "},
                      Foreign{0, "\x1F\x8B\x08", Format::Compressed, "decompress"},
                      Foreign{0, "\xFD\x37zXZ\0"sv, Format::Compressed, "decompress"},
                      Foreign{0, "\x28\xB5\x2F\xFD", Format::Compressed, "decompress"}));

SparseFile sparse_vhd(DiskType type, bool at_start, bool at_end) {
  Footer footer = *make_fixed_footer(kGiB, test::kUuid, 0);
  footer.type = type;
  footer.data_offset = 512;
  SparseFile file(kMiB);
  if (at_start) file.put(0, serialise(footer));
  if (at_end) file.put(kMiB, serialise(footer));
  return file;
}

TEST(Image, DynamicAndDifferencingVhdsAreKnownByEitherFooter) {
  for (const auto& [start, end] : {std::pair{true, true}, {true, false}, {false, true}}) {
    const auto dynamic = recognise(sparse_vhd(DiskType::Dynamic, start, end));
    ASSERT_TRUE(dynamic);
    EXPECT_EQ(dynamic->format, Format::DynamicVhd);
    const auto differencing = identify(sparse_vhd(DiskType::Differencing, start, end), "b.vhd");
    ASSERT_FALSE(differencing);
    EXPECT_THAT(differencing.error().text, HasSubstr("`vhdtool cat \"b.vhd\" > \"b.vhd.raw\"`"));
    EXPECT_THAT(differencing.error().text, HasSubstr("parent"));
  }
}

TEST(Image, AFixedVhdMayHoldAnything) {
  SparseFile file = sparse_vhd(DiskType::Dynamic, true, true);  // somebody wrapped a whole dynamic VHD
  test::append_footer(file);
  const auto info = identify(file);
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->format, Format::FixedVhd);
}

TEST(Image, ReadsTwoSectorsAtMost) {
  const SparseFile file(kTiB);
  ASSERT_TRUE(identify(file));
  EXPECT_LE(file.reads, 2u);
  EXPECT_LE(file.bytes_read, 1024u);
}

}  // namespace
}  // namespace vhdboot::vhd
