// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/bzimage.h"

#include <gmock/gmock.h>

#include "tests/unit/kexec/builders.h"

namespace vhdboot::kexec {
namespace {

using test::Buffer;
using test::make_kernel;
using test::put;
using test::to_buffer;
using ::testing::HasSubstr;

Result<BzImage> parse(const Buffer& file) {
  return parse_bzimage(MemorySource(file), {0, file.size()});
}

void expect_error(const Buffer& file, Code code, std::string_view sentence) {
  const auto image = parse(file);
  ASSERT_FALSE(image) << sentence;
  EXPECT_EQ(image.error().code, code) << image.error().text;
  EXPECT_THAT(image.error().text, HasSubstr(std::string(sentence)));
}

template <class T>
Buffer with(std::size_t at, T value) {
  Buffer file = make_kernel();
  put<T>(file, at, value);
  return file;
}

TEST(BzImage, ReadsTheHeader) {
  const auto image = parse(make_kernel());
  ASSERT_TRUE(image) << image.error().text;
  EXPECT_EQ(image->protocol, 0x020F);
  EXPECT_EQ(image->setup_bytes, 2048U);
  EXPECT_EQ(image->header_end, 0x26CU);
  EXPECT_EQ(image->cmdline_size, 2047U);
  EXPECT_EQ(image->initrd_addr_max, 0x7FFFFFFFU);
  EXPECT_EQ(image->kernel_alignment, 0x200000U);
  EXPECT_EQ(image->init_size, 0x1791000U);
  EXPECT_EQ(image->pref_address, 0x1000000U);
  EXPECT_TRUE(image->relocatable);
  EXPECT_EQ(image->version, "6.12.1-test");
}

TEST(BzImage, LiesAnywhereInItsFile) {
  Buffer file(1000);
  const Buffer kernel = make_kernel();
  file.insert(file.end(), kernel.begin(), kernel.end());
  file.resize(file.size() + 77);
  const auto image = parse_bzimage(MemorySource(file), {1000, kernel.size()});
  ASSERT_TRUE(image) << image.error().text;
  EXPECT_EQ(image->version, "6.12.1-test");
  EXPECT_FALSE(parse_bzimage(MemorySource(file), {1000, file.size()}));
  EXPECT_FALSE(parse_bzimage(MemorySource(file), {file.size() + 1, 0}));
}

TEST(BzImage, EveryTruncationIsAnError) {
  const Buffer file = make_kernel();
  for (std::size_t length = 0; length < file.size(); ++length)
    EXPECT_FALSE(parse(Buffer(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)))) << length;
}

TEST(BzImage, OtherKernelsHaveTheirSentences) {
  expect_error(to_buffer("hello"), Code::Unsupported, "not a Linux kernel");
  expect_error(to_buffer("\177ELF" + std::string(1000, '\0')), Code::Unsupported, "an ELF file");
  Buffer arm(1024);
  std::memcpy(arm.data(), "MZ", 2);
  expect_error(arm, Code::Unsupported, "an EFI program without a Linux kernel's header");
  std::memcpy(arm.data() + 0x38, "ARM\x64", 4);
  expect_error(arm, Code::Unsupported, "64-bit ARM");
  std::memcpy(arm.data() + 4, "zimg", 4);
  arm[0x38] = std::byte{0};
  expect_error(arm, Code::Unsupported, "compressed EFI kernel for another processor");
  for (std::size_t length = 0; length < arm.size(); ++length)
    EXPECT_EQ(parse(Buffer(arm.begin(), arm.begin() + static_cast<std::ptrdiff_t>(length))).error().code,
              Code::Unsupported);
  expect_error(with<std::uint16_t>(0x236, 0), Code::Unsupported, "32-bit x86");
  expect_error(with<std::uint16_t>(0x206, 0x020B), Code::Unsupported, "boot protocol 2.11, 2.12 (Linux 3.8) is needed");
  expect_error(with<std::uint8_t>(0x211, 0), Code::Unsupported, "a zImage");
  expect_error(with<std::uint8_t>(0x234, 0), Code::Unsupported, "not relocatable");
  expect_error(with<std::uint16_t>(0x236, 0x3D), Code::Unsupported, "not relocatable");
}

TEST(BzImage, ImpossibleValuesAreCorrupt) {
  expect_error(with<std::uint16_t>(0x1FE, 0), Code::Corrupt, "55 AA");
  expect_error(with<std::uint8_t>(0x201, 0x10), Code::Corrupt, "header cannot end");
  expect_error(with<std::uint32_t>(0x230, 0), Code::Corrupt, "alignment cannot be 0");
  expect_error(with<std::uint32_t>(0x230, 0x300000), Code::Corrupt, "alignment cannot be");
  expect_error(with<std::uint32_t>(0x260, 0), Code::Corrupt, "cannot need 0 bytes");
  expect_error(with<std::uint32_t>(0x260, 0xFFFFFFFF), Code::Corrupt, "cannot need");
  expect_error(with<std::uint32_t>(0x238, 0), Code::Corrupt, "no command line");
  expect_error(with<std::uint32_t>(0x1F4, 0xFFFFFFFF), Code::Corrupt, "truncated: the kernel says it has 68719478768");
  expect_error(with<std::uint8_t>(0x1F1, 255), Code::Corrupt, "truncated");
}

TEST(BzImage, TheVersionIsBounded) {
  EXPECT_EQ(parse(make_kernel(std::string(400, 'v')))->version, std::string(256, 'v'));
  EXPECT_EQ(parse(make_kernel("6.1\x1b[2J x"))->version, "6.1?[2J");
  EXPECT_EQ(parse(with<std::uint16_t>(0x20E, 0))->version, "");
  EXPECT_EQ(parse(with<std::uint16_t>(0x20E, 0xFFFF))->version, "");
  // At the very end of the setup part, without a NUL.
  Buffer file = with<std::uint16_t>(0x20E, 2047 - 0x200);
  file[2047] = std::byte{'6'};
  EXPECT_EQ(parse(file)->version, "6");
}

}  // namespace
}  // namespace vhdboot::kexec
