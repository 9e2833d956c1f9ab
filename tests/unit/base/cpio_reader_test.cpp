// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/cpio_reader.h"

#include <gmock/gmock.h>

#include "base/text.h"
#include "tests/unit/base/error_matchers.h"
#include "tests/unit/base/oracle.h"

namespace vhdboot::cpio {
namespace {

using test::Fails;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::byte> archive(std::initializer_list<std::pair<std::string_view, std::string_view>> files) {
  std::vector<std::byte> bytes(4096);
  Writer writer(bytes);
  EXPECT_TRUE(writer.directory("etc"));
  for (const auto& [name, contents] : files) EXPECT_TRUE(writer.file(name, as_bytes(contents)));
  EXPECT_TRUE(writer.symlink("link", "target"));
  EXPECT_TRUE(writer.finish());
  bytes.resize(writer.size());
  return bytes;
}

struct Told {
  std::vector<std::string> entries;
  std::vector<std::string> contents;
  Result<std::size_t> taken;
};

// Given to the reader in pieces of `step` bytes; the contents of names that begin with "want" are wanted.
Told read(Bytes bytes, std::size_t step) {
  Told told{.entries = {}, .contents = {}, .taken = 0};
  Reader reader({.entry =
                     [&](std::string_view name, std::uint64_t size) {
                       told.entries.push_back(concat(name, " ", size));
                       return name.starts_with("want");
                     },
                 .contents =
                     [&](std::string_view name, std::vector<std::byte> contents) {
                       told.contents.push_back(concat(name, "=", as_text(contents)));
                     }});
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const Bytes piece = bytes.subspan(at, std::min(step, bytes.size() - at));
    const auto taken = reader.take(piece);
    if (!taken) {
      told.taken = taken;
      return told;
    }
    *told.taken += *taken;
    if (*taken < piece.size()) return told;
  }
  EXPECT_EQ(reader.within_entry(), bytes.size() == 1);
  return told;
}

TEST(CpioReader, InPiecesOfAnySize) {
  const auto bytes = archive({{"etc/a", "1234567"}, {"want", "contents"}, {"wanted too", ""}});
  for (const std::size_t step : {1U, 2U, 3U, 5U, 109U, 110U, 4096U}) {
    const Told told = read(bytes, step);
    EXPECT_THAT(told.entries, ElementsAre("etc 0", "etc/a 7", "want 8", "wanted too 0", "link 6")) << step;
    EXPECT_THAT(told.contents, ElementsAre("want=contents", "wanted too=")) << step;
    EXPECT_EQ(*told.taken, bytes.size());
  }
}

TEST(CpioReader, SeveralWithZerosBetween) {
  auto bytes = archive({{"want", "1"}});
  const auto other = archive({{"want", "2"}});
  bytes.resize(bytes.size() + 512);
  bytes.insert(bytes.end(), other.begin(), other.end());
  bytes.resize(bytes.size() + 8);
  const std::size_t theirs = bytes.size();
  const auto tail = as_bytes("\x1F\x8B 0");
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  for (const std::size_t step : {1U, 100U, 4096U}) {
    const Told told = read(bytes, step);
    EXPECT_THAT(told.contents, ElementsAre("want=1", "want=2"));
    EXPECT_EQ(*told.taken, theirs) << "what follows is another's";
  }
  EXPECT_EQ(*read(as_bytes("text"), 4).taken, 0U);
}

// As init/initramfs.c has it.
TEST(CpioReader, WhereAnArchiveBegins) {
  const auto one = archive({{"want", "1"}});
  for (const std::size_t zeros : {0U, 1U, 2U, 4U}) {
    std::vector<std::byte> bytes(zeros);
    bytes.insert(bytes.end(), one.begin(), one.end());
    EXPECT_EQ(*read(bytes, 4096).taken, zeros % kAlignment == 0 ? bytes.size() : zeros);
  }
  Reader reader({.entry = [](std::string_view, std::uint64_t) { return false; }, .contents = {}});
  reader.seek(2);
  EXPECT_EQ(*reader.take(one), 0U);
  reader.seek(8);
  EXPECT_EQ(*reader.take(one), one.size());
}

TEST(CpioReader, ATrailerNeedNotCome) {
  auto bytes = archive({{"want", "1"}});
  bytes.resize(bytes.size() - kTrailerSize);
  const auto other = archive({{"want", "2"}});
  bytes.insert(bytes.end(), 8, std::byte{0});
  bytes.insert(bytes.end(), other.begin(), other.end());
  EXPECT_THAT(read(bytes, 7).contents, ElementsAre("want=1", "want=2"));
}

TEST(CpioReader, AsCpioWritesIt) {
  if (!test::have("cpio")) GTEST_SKIP() << "needs cpio";
  for (const char* format : {"newc", "crc"}) {
    const test::ScratchFolder folder;
    (void)folder.write("want", as_bytes("by cpio"));
    const auto written = test::output_of("cd " + folder.path().string() + " && echo want | cpio --quiet -oH " + format);
    ASSERT_TRUE(written);
    EXPECT_THAT(read(as_bytes(*written), 64).contents, ElementsAre("want=by cpio")) << format;
  }
}

TEST(CpioReader, WhatIsNoArchive) {
  const auto with = [](std::size_t at, std::string_view text) {
    auto bytes = archive({});
    std::ranges::copy(as_bytes(text), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    return read(bytes, 4096);
  };
  EXPECT_THAT(with(0, "070707").taken, Fails(Code::Corrupt, "newc"));
  EXPECT_THAT(with(54, "0000000g").taken, Fails(Code::Corrupt, "newc")) << "size";
  EXPECT_THAT(with(94, "+0000004").taken, Fails(Code::Corrupt, "newc")) << "size of the name";
  const Told long_name = read(as_bytes("0"), 1);
  EXPECT_THAT(long_name.entries, IsEmpty());
}

TEST(CpioReader, WhatFollowsAFileIsAligned) {
  auto bytes = archive({{"want", "1"}});
  for (const char* next : {"0", "\x1F"}) {
    auto more = bytes;
    more.push_back(std::byte{0});
    more.push_back(static_cast<std::byte>(*next));
    EXPECT_THAT(read(more, 4096).taken, Fails(Code::Corrupt, "not aligned"));
  }
}

TEST(CpioReader, ANameWithoutItsEnd) {
  auto bytes = archive({});
  bytes[kHeaderSize + 3] = std::byte{'x'};  // "etc"
  EXPECT_THAT(read(bytes, 4096).taken, Fails(Code::Corrupt, "no end"));
}

TEST(CpioReader, ATrailerWithContents) {
  auto bytes = archive({});
  std::vector<std::byte> more(bytes.end() - kTrailerSize, bytes.end());
  std::ranges::copy(as_bytes("00000005"), more.begin() + 54);
  more.insert(more.end(), 8, std::byte{'x'});
  const std::size_t size = more.size();
  more.insert(more.end(), bytes.begin(), bytes.end());
  EXPECT_EQ(*read(more, 4096).taken, size + bytes.size());
}

// The kernel passes over a name that is empty or longer than PATH_MAX.
TEST(CpioReader, NamesThatAreNone) {
  std::vector<std::byte> bytes(8192);
  Writer writer(bytes);
  ASSERT_TRUE(writer.file(std::string(kMaxNameLength, 'n'), as_bytes("long")));
  ASSERT_TRUE(writer.file("want", as_bytes("1")));
  bytes.resize(writer.size());
  std::ranges::copy(as_bytes("00001001"), bytes.begin() + 94);
  EXPECT_THAT(read(bytes, 100).entries, ElementsAre("want 1")) << "too long";
  std::ranges::copy(as_bytes("00000000"), bytes.begin() + 94);
  std::ranges::copy(as_bytes("00001004"), bytes.begin() + 54);
  EXPECT_THAT(read(bytes, 100).entries, ElementsAre("want 1")) << "no name";
}

// It is passed over, whatever it says of its size.
TEST(CpioReader, AnEntryThatIsCutOff) {
  auto bytes = archive({{"etc/a", "1234567"}});
  std::ranges::copy(as_bytes("FFFFFFFF"), bytes.begin() + 54);
  Reader reader({.entry = [](std::string_view, std::uint64_t size) { return size == 0; }, .contents = {}});
  EXPECT_EQ(*reader.take(bytes), bytes.size());
  EXPECT_TRUE(reader.within_entry());
}

}  // namespace
}  // namespace vhdboot::cpio
