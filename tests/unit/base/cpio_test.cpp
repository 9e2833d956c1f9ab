// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/cpio.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <span>
#include <vector>

#include "tests/unit/base/oracle.h"

namespace vhdboot {
namespace {

using test::have;
using test::output_of;
using test::ScratchFolder;

std::vector<std::byte> sample_archive() {
  const std::string_view odd = "seven..";
  std::vector<std::byte> archive(4096);
  cpio::Writer writer(archive);
  EXPECT_TRUE(writer.directory("etc"));
  EXPECT_TRUE(writer.directory("etc/deep", 0700));
  EXPECT_TRUE(writer.file("etc/deep/odd", as_bytes(odd)));
  EXPECT_TRUE(writer.file("etc/empty", {}));
  EXPECT_TRUE(writer.file("etc/run", as_bytes("#!/bin/sh\n"), 0755));
  EXPECT_TRUE(writer.symlink("etc/link", "deep/odd"));
  EXPECT_TRUE(writer.add(
      {.name = "etc/null", .mode = cpio::kCharacterDevice | 0666, .device_major = 1, .device_minor = 3}, {}));
  EXPECT_TRUE(writer.finish());
  archive.resize(writer.size());
  return archive;
}

TEST(Cpio, IsReadByCpio) {
  if (!have("cpio")) GTEST_SKIP() << "needs cpio";
  const ScratchFolder scratch;
  const auto file = scratch.write("a.cpio", sample_archive());
  const auto listing =
      output_of("TZ=UTC LC_ALL=C cpio --quiet -itnv < " + file.string() + " 2>&1 | tr -s ' ' | sed 's/ Jan 1 1970//'");
  EXPECT_EQ(listing,
            "drwxr-xr-x 1 0 0 0 etc\n"
            "drwx------ 1 0 0 0 etc/deep\n"
            "-rw-r--r-- 1 0 0 7 etc/deep/odd\n"
            "-rw-r--r-- 1 0 0 0 etc/empty\n"
            "-rwxr-xr-x 1 0 0 10 etc/run\n"
            "lrwxrwxrwx 1 0 0 8 etc/link -> deep/odd\n"
            "crw-rw-rw- 1 0 0 1, 3 etc/null\n");
  EXPECT_EQ(output_of("cpio --quiet --to-stdout -i etc/deep/odd < " + file.string()), "seven..");
  EXPECT_EQ(output_of("cpio --quiet --to-stdout -i etc/run < " + file.string()), "#!/bin/sh\n");
}

TEST(Cpio, SizesAreExact) {
  for (std::size_t name_length = 1; name_length < 12; ++name_length) {
    for (std::size_t data_length = 0; data_length < 9; ++data_length) {
      const std::string name(name_length, 'n');
      const std::vector<std::byte> data(data_length, std::byte{0xAA});
      const std::uint64_t size = cpio::entry_size(name, data_length);
      EXPECT_EQ(size % 4, 0u);
      EXPECT_EQ(cpio::header_size(name) % 4, 0u);

      std::vector<std::byte> exact(size, std::byte{0xFF});
      cpio::Writer fits(exact);
      EXPECT_TRUE(fits.file(name, data));
      EXPECT_EQ(fits.size(), size);
      for (std::size_t i = cpio::header_size(name) + data_length; i < size; ++i) EXPECT_EQ(exact[i], std::byte{0});

      std::vector<std::byte> short_by_one(size - 1, std::byte{0xFF});
      cpio::Writer too_small(short_by_one);
      EXPECT_FALSE(too_small.file(name, data));
      EXPECT_EQ(too_small.size(), 0u);
      EXPECT_THAT(short_by_one, testing::Each(std::byte{0xFF})) << "nothing is written when the entry does not fit";
    }
  }
  std::vector<std::byte> trailer(cpio::kTrailerSize);
  EXPECT_TRUE(cpio::Writer(trailer).finish());
  std::vector<std::byte> no_trailer(cpio::kTrailerSize - 1);
  EXPECT_FALSE(cpio::Writer(no_trailer).finish());
}

TEST(Cpio, RefusesMalformedEntries) {
  std::vector<std::byte> room(1 << 16);
  cpio::Writer writer(room);
  EXPECT_FALSE(writer.directory(""));
  EXPECT_FALSE(writer.directory(std::string_view("a\0b", 3)));
  EXPECT_FALSE(writer.directory("TRAILER!!!"));
  EXPECT_FALSE(writer.directory(std::string(cpio::kMaxNameLength + 1, 'x')));
  EXPECT_FALSE(writer.add({.name = "a", .mode = cpio::kRegular, .size = 2}, as_bytes("one")));
  EXPECT_FALSE(writer.reserve({.name = "a", .mode = cpio::kRegular, .size = cpio::kMaxFileSize + 1}).has_value());
  EXPECT_FALSE(writer.reserve({.name = "a", .mode = cpio::kRegular, .size = ~std::uint64_t{0}}).has_value());
  EXPECT_EQ(writer.size(), 0u);
  EXPECT_TRUE(writer.directory(std::string(cpio::kMaxNameLength, 'x')));
}

TEST(Cpio, ReserveLeavesTheDataToTheCaller) {
  std::vector<std::byte> by_copy(512), in_place(512);
  cpio::Writer copying(by_copy), reserving(in_place);
  ASSERT_TRUE(copying.file("name", as_bytes("hello")));
  const auto room = reserving.reserve({.name = "name", .mode = cpio::kRegular | 0644, .size = 5});
  ASSERT_TRUE(room.has_value());
  ASSERT_EQ(room->size(), 5u);
  std::copy_n(as_bytes("hello").begin(), 5, room->begin());
  EXPECT_EQ(by_copy, in_place);
  EXPECT_EQ(copying.size(), reserving.size());
}

TEST(Cpio, AHeaderAloneIsTheSame) {
  std::vector<std::byte> whole(400);
  std::vector<std::byte> headers(400);
  cpio::Writer writer(whole);
  cpio::Writer alone(headers);
  ASSERT_TRUE(writer.directory("d"));
  ASSERT_TRUE(alone.directory("d"));
  const std::size_t begin = writer.size();
  ASSERT_TRUE(writer.file("d/x", as_bytes("12345"), 0400));
  ASSERT_TRUE(alone.header({.name = "d/x", .mode = cpio::kRegular | 0400, .size = 5}));
  EXPECT_EQ(alone.size(), begin + cpio::header_size("d/x"));
  EXPECT_TRUE(std::ranges::equal(std::span(headers).first(alone.size()), std::span(whole).first(alone.size())));
  // The next entry follows at once, with the next inode number.
  ASSERT_TRUE(alone.header({.name = "d/y", .mode = cpio::kRegular, .size = cpio::kMaxFileSize}));
  EXPECT_EQ(as_text(headers).substr(begin + cpio::header_size("d/x"), 14), "07070100000003");

  const std::size_t size = alone.size();
  EXPECT_FALSE(alone.header({.name = ""}));
  EXPECT_FALSE(alone.header({.name = "TRAILER!!!"}));
  EXPECT_FALSE(alone.header({.name = "z", .size = cpio::kMaxFileSize + 1}));
  EXPECT_EQ(alone.size(), size);
  std::vector<std::byte> tight(cpio::header_size("z") - 1);
  EXPECT_FALSE(cpio::Writer(tight).header({.name = "z"}));
}

TEST(Cpio, SameInputSameBytes) {
  EXPECT_EQ(sample_archive(), sample_archive());
}

constexpr bool works_at_compile_time() {
  std::array<std::byte, cpio::entry_size("d", 0) + cpio::kTrailerSize> room{};
  cpio::Writer writer(room);
  return writer.directory("d") && writer.finish() && writer.size() == room.size();
}
static_assert(works_at_compile_time());

}  // namespace
}  // namespace vhdboot
