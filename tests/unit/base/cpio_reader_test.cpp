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
  EXPECT_EQ(reader.within_archive(), bytes.size() == 1);
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
  bytes.resize(bytes.size() + 513);
  bytes.insert(bytes.end(), other.begin(), other.end());
  bytes.resize(bytes.size() + 7);
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
  EXPECT_THAT(with(94, "00000000").taken, Fails(Code::Corrupt, "a name of 0 bytes"));
  EXPECT_THAT(with(94, "00001001").taken, Fails(Code::Corrupt, "a name of 4097 bytes"));
  const Told long_name = read(as_bytes("0"), 1);
  EXPECT_THAT(long_name.entries, IsEmpty());
}

// It is passed over, whatever it says of its size.
TEST(CpioReader, AnEntryThatIsCutOff) {
  auto bytes = archive({{"etc/a", "1234567"}});
  std::ranges::copy(as_bytes("FFFFFFFF"), bytes.begin() + 54);
  Reader reader({.entry = [](std::string_view, std::uint64_t size) { return size == 0; }, .contents = {}});
  EXPECT_EQ(*reader.take(bytes), bytes.size());
  EXPECT_TRUE(reader.within_archive());
}

}  // namespace
}  // namespace vhdboot::cpio
