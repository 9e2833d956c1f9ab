// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/pe.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/unit/kexec/builders.h"

namespace vhdboot::entry {
namespace {

using test::Buffer;
using test::PeBuilder;
using test::put;
using test::to_buffer;
using ::testing::HasSubstr;

Result<PeFile> parse(const Buffer& file) {
  return parse_pe(MemorySource(file));
}

std::string text_of(const Buffer& file, Range range) {
  return std::string(as_text(slice(file, range.offset, range.length).value()));
}

void expect_error(const Buffer& file, Code code, std::string_view sentence) {
  const auto pe = parse(file);
  ASSERT_FALSE(pe) << sentence;
  EXPECT_EQ(pe.error().code, code) << pe.error().text;
  EXPECT_THAT(pe.error().text, HasSubstr(std::string(sentence)));
}

TEST(Pe, FindsSectionsWithEightByteNames) {
  const auto file = PeBuilder().add(".linux", "kernel").add(".cmdline", "quiet").add(".profile", "ID=x").build();
  const auto pe = parse(file);
  ASSERT_TRUE(pe) << pe.error().text;
  ASSERT_EQ(pe->sections.size(), 3U);
  ASSERT_NE(pe->find(".cmdline"), nullptr);
  EXPECT_EQ(text_of(file, pe->find(".cmdline")->data), "quiet");
  EXPECT_EQ(text_of(file, pe->find(".profile")->data), "ID=x");
  EXPECT_EQ(pe->find(".cmdlin"), nullptr);
  EXPECT_EQ(pe->find(".initrd"), nullptr);
}

TEST(Pe, LengthIsTheSmallerOfVirtualAndRawSize) {
  const auto file = PeBuilder()
                        .add({.name = ".padded", .data = to_buffer("abc"), .virtual_size = 3})
                        .add({.name = ".zeros", .data = to_buffer("abc"), .virtual_size = 100000})
                        .add({.name = ".bss", .data = {}, .virtual_size = 4096})
                        .build();
  const auto pe = parse(file);
  ASSERT_TRUE(pe) << pe.error().text;
  EXPECT_EQ(pe->find(".padded")->data.length, 3U);
  EXPECT_EQ(pe->find(".zeros")->data.length, 512U);
  EXPECT_TRUE(pe->find(".bss")->data.empty());
}

TEST(Pe, EveryTruncationIsAnError) {
  const auto file = PeBuilder().add(".linux", "kernel").add(".osrel", "ID=x").build();
  for (std::size_t length = 0; length < file.size(); ++length) {
    const auto pe = parse(Buffer(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)));
    ASSERT_FALSE(pe) << length;
    EXPECT_FALSE(pe.error().text.empty());
  }
  EXPECT_TRUE(parse(file));
}

TEST(Pe, OtherFilesHaveTheirSentences) {
  const auto file = PeBuilder().add(".linux", "kernel").build();
  expect_error({}, Code::Unsupported, "not a PE file");
  expect_error(to_buffer(std::string(600, 'x')), Code::Unsupported, "no MZ signature");

  auto other = file;
  put<std::uint16_t>(other, PeBuilder::kPeAt + 4, 0xAA64);
  expect_error(other, Code::Unsupported, "made for 64-bit ARM, not for 64-bit x86");
  put<std::uint16_t>(other, PeBuilder::kPeAt + 4, 0x014C);
  expect_error(other, Code::Unsupported, "made for 32-bit x86");
  put<std::uint16_t>(other, PeBuilder::kPeAt + 4, 0xBEEF);
  expect_error(other, Code::Unsupported, "machine type 0xbeef");

  other = file;
  put<std::uint16_t>(other, PeBuilder::kOptionalAt, 0x10B);
  expect_error(other, Code::Unsupported, "a PE32 file, not PE32+");
  other = file;
  put<std::uint16_t>(other, PeBuilder::kPeAt + 20, 0);
  expect_error(other, Code::Unsupported, "a PE object");
  other = file;
  put<std::uint16_t>(other, PeBuilder::kPeAt + 20, 100);
  expect_error(other, Code::Corrupt, "optional PE header has 100 bytes");
  other = file;
  put<std::uint32_t>(other, 0x3C, 2);
  expect_error(other, Code::Unsupported, "MS-DOS program");
  put<std::uint32_t>(other, 0x3C, 0xFFFFFFFF);
  expect_error(other, Code::Corrupt, "truncated");
}

TEST(Pe, SectionCountIsCapped) {
  PeBuilder builder;
  for (unsigned i = 0; i < kMaxSections; ++i) builder.add(".x", "1");
  EXPECT_TRUE(parse(builder.build()));
  builder.add(".x", "1");
  expect_error(builder.build(), Code::Corrupt, "97 sections");
}

TEST(Pe, SectionsOutsideTheFileAreRefused) {
  auto file = PeBuilder().add(".linux", "kernel").build();
  const std::size_t header = PeBuilder::kTableAt;
  auto other = file;
  put<std::uint32_t>(other, header + 20, static_cast<std::uint32_t>(file.size()));
  expect_error(other, Code::Corrupt, "truncated: section .linux ends at");
  other = file;
  put<std::uint32_t>(other, header + 16, 0xFFFFFFFF);
  expect_error(other, Code::Corrupt, "truncated: section .linux");
  other = file;
  put<std::uint32_t>(other, header + 20, 0xFFFFFE00);
  put<std::uint32_t>(other, header + 16, 0x400);
  expect_error(other, Code::Corrupt, "truncated: section .linux");
}

TEST(Pe, OverlapsAreRefused) {
  const auto file = PeBuilder().add(".linux", "kernel").add(".initrd", "initrd").build();
  const std::size_t second = PeBuilder::kTableAt + 40;
  const auto first_at = load_le<std::uint32_t>(file, PeBuilder::kTableAt + 20).value();
  auto other = file;
  put<std::uint32_t>(other, second + 20, first_at + 511);
  expect_error(other, Code::Corrupt, "overlaps the .linux");
  put<std::uint32_t>(other, second + 20, 0);
  expect_error(other, Code::Corrupt, "section .initrd at byte 0 overlaps the PE headers");
}

TEST(Pe, ForeignNamesAreMadePrintable) {
  const auto pe = parse(PeBuilder().add("\x1b[31m", "x").build());
  ASSERT_TRUE(pe);
  EXPECT_EQ(pe->sections[0].name, "?[31m");
}

TEST(Pe, ReadsTheRealSystemdStub) {
  const std::filesystem::path path = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "systemd-boot-efi is not installed";
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  const Buffer file = to_buffer(text);
  const auto pe = parse(file);
  ASSERT_TRUE(pe) << pe.error().text;
  ASSERT_NE(pe->find(".sbat"), nullptr);
  EXPECT_THAT(text_of(file, pe->find(".sbat")->data), HasSubstr("The systemd Developers"));
}

}  // namespace
}  // namespace vhdboot::entry
