// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "init/sys/directory.h"
#include "init/sys/mount.h"
#include "init/sys/pages.h"
#include "init/sys/process.h"
#include "tests/unit/base/error_matchers.h"

namespace vhdboot::sys {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FileTest : public testing::Test {
 protected:
  FileTest() {
    char folder[] = "/tmp/vhdboot-sys-XXXXXX";
    folder_ = ::mkdtemp(folder);
  }
  ~FileTest() override { std::filesystem::remove_all(folder_); }

  std::string make(const std::string& name, std::string_view content) {
    const std::string path = folder_ + "/" + name;
    EXPECT_TRUE(write_file(path, as_bytes(content)));
    return path;
  }

  std::string folder_;
};

TEST_F(FileTest, ReadsWhatWasWritten) {
  const auto content = read_text(make("a", "hello\nworld\n"));
  ASSERT_TRUE(content);
  EXPECT_EQ(*content, "hello\nworld\n");
  EXPECT_EQ(read_attribute(folder_ + "/a"), "hello");
}

TEST_F(FileTest, RefusesFilesLargerThanTheCap) {
  const std::string path = make("large", std::string(5000, 'x'));
  EXPECT_TRUE(read_file(path, 5000));
  const auto refused = read_file(path, 4999);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::NoMemory);
  EXPECT_THAT(refused.error().message(), HasSubstr(path));
}

TEST_F(FileTest, RenamesButNotOverAnotherFile) {
  const std::string old = make("old", "mine");
  const std::string taken = make("taken", "another's");
  const auto refused = rename_to_new(old, taken);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sys_errno, EEXIST);
  EXPECT_EQ(read_text(taken), "another's");
  EXPECT_EQ(read_text(old), "mine");
  ASSERT_TRUE(rename_to_new(old, folder_ + "/new"));
  EXPECT_FALSE(exists(old));
  EXPECT_EQ(read_text(folder_ + "/new"), "mine");
}

TEST_F(FileTest, ReadsFilesOfProcWhoseSizeIsUnknown) {
  const auto content = read_text("/proc/self/mountinfo", 16 << 20);
  ASSERT_TRUE(content);
  EXPECT_THAT(*content, HasSubstr("/proc"));
}

TEST_F(FileTest, NamesTheFileThatIsMissing) {
  const auto missing = read_text(folder_ + "/nothing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::NotFound);
  EXPECT_THAT(missing.error().message(), HasSubstr("nothing: No such file or directory"));
  EXPECT_EQ(read_attribute(folder_ + "/nothing"), "");
}

TEST_F(FileTest, ForeignLinksDoNotLeadOutOfTheirRoot) {
  std::filesystem::create_directories(folder_ + "/root/lib");
  make("secret", "outside");
  make("root/lib/modules.dep", "inside");
  std::filesystem::create_symlink("../../../secret", folder_ + "/root/lib/escape");
  std::filesystem::create_symlink("/lib/modules.dep", folder_ + "/root/absolute");
  const auto root = open_file(folder_ + "/root", O_PATH | O_DIRECTORY);
  ASSERT_TRUE(root);
  EXPECT_FALSE(open_below(*root, "lib/escape", O_RDONLY));
  const auto absolute = open_below(*root, "absolute", O_RDONLY);
  ASSERT_TRUE(absolute);
  const auto content = read_all(*absolute, 100);
  ASSERT_TRUE(content);
  EXPECT_EQ(as_text(*content), "inside");
}

TEST_F(FileTest, MakesDirectoriesAlsoBelowRelativePaths) {
  EXPECT_TRUE(make_directories(folder_ + "/a/b/c"));
  EXPECT_TRUE(make_directories(folder_ + "/a/b/c"));
  EXPECT_TRUE(std::filesystem::is_directory(folder_ + "/a/b/c"));
  make("file", "");
  EXPECT_FALSE(make_directories(folder_ + "/file/x"));
}

TEST_F(FileTest, SourceReadsExactlyAndNeverPastTheEnd) {
  const auto source = FdSource::open(make("image", "0123456789"));
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->size(), 10U);
  std::array<std::byte, 4> part{};
  ASSERT_TRUE((*source)->read(6, part));
  EXPECT_EQ(as_text(part), "6789");
  EXPECT_FALSE((*source)->read(7, part));
  EXPECT_FALSE((*source)->read(~std::uint64_t{0}, part));
}

TEST_F(FileTest, SourceOfADirectoryOrATerminalIsRefused) {
  EXPECT_FALSE(FdSource::open(folder_));
  EXPECT_FALSE(FdSource::open("/dev/null"));
}

TEST(DirectPart, IsWholeBlocksOfFileAndMemory) {
  constexpr std::size_t kLarge = 1 << 20;
  EXPECT_EQ(direct_part(0, 0x10000, kLarge), (DirectPart{0, kLarge}));
  EXPECT_EQ(direct_part(0, 0x10000, kLarge + 4095), (DirectPart{0, kLarge}));
  EXPECT_EQ(direct_part(0x10200, 0x7200, kLarge), (DirectPart{0xE00, kLarge - 4096}));
  EXPECT_EQ(direct_part(0xFFF, 0x7FFF, kLarge + 1), (DirectPart{1, kLarge}));
  EXPECT_EQ(direct_part(UINT64_MAX - 0xFFF - kLarge, 0, kLarge), (DirectPart{0, kLarge}));
}

TEST(DirectPart, IsNothingWhereTheyDifferOrLittleIsRead) {
  EXPECT_EQ(direct_part(0x200, 0x10000, 1 << 20), DirectPart{});
  EXPECT_EQ(direct_part(0, 0x10010, 1 << 20), DirectPart{});
  EXPECT_EQ(direct_part(0, 0x10000, 4096), DirectPart{});
  EXPECT_EQ(direct_part(1, 1, 0), DirectPart{});
}

// Whatever the file system makes of O_DIRECT, and wherever the pieces lie.
TEST_F(FileTest, LargeReadsGiveTheSameBytes) {
  constexpr std::size_t kSize = (1 << 20) + 1234;
  std::string content(kSize, '\0');
  for (std::size_t i = 0; i < kSize; ++i) content[i] = static_cast<char>(i * 7 + i / 4096);
  const std::string path = make("large", content);
  const auto source = FdSource::open(path);
  ASSERT_TRUE(source);
  for (const std::size_t offset : {0U, 512U, 4095U, 4096U, 5000U})
    for (const std::size_t skew : {std::size_t{0}, offset % Pages::kPage, std::size_t{16}}) {
      auto pages = Pages::allocate(kSize - offset, skew);
      ASSERT_TRUE(pages);
      ASSERT_TRUE((*source)->read(offset, pages->writable()));
      EXPECT_TRUE(as_text(pages->bytes()) == std::string_view(content).substr(offset)) << offset << ' ' << skew;
    }
  // A file that became shorter is told, not filled up.
  std::filesystem::resize_file(path, kSize / 2);
  auto pages = Pages::allocate(kSize);
  ASSERT_TRUE(pages);
  const auto cut = (*source)->read(0, pages->writable());
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Code::Io);
  EXPECT_THAT(cut.error().message(), HasSubstr(concat("unexpected end at byte ", kSize / 2)));
}

TEST(PagesTest, AreZeroAndBeginWhereTheyAreToldTo) {
  auto pages = Pages::allocate(10000, 512);
  ASSERT_TRUE(pages);
  EXPECT_EQ(pages->bytes().size(), 10000U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pages->bytes().data()) % Pages::kPage, 512U);
  EXPECT_TRUE(std::ranges::all_of(pages->bytes(), [](std::byte b) { return b == std::byte{0}; }));
  pages->writable().back() = std::byte{1};
  Pages moved = *std::move(pages);
  EXPECT_EQ(moved.bytes().back(), std::byte{1});
  moved = {};
  EXPECT_TRUE(moved.bytes().empty());
  EXPECT_TRUE(Pages::allocate(0)->bytes().empty());
  EXPECT_EQ(Pages::allocate(1, Pages::kPage).error().code, Code::Invalid);
  EXPECT_EQ(Pages::allocate(1ULL << 60).error().code, Code::NoMemory);
  EXPECT_FALSE(Pages::allocate(UINT64_MAX, 1));
}

TEST(MemoryFile, IsReadOnly) {
  const auto file = memory_file("test", as_bytes("content"));
  ASSERT_TRUE(file);
  const auto content = read_all(*file, 100);
  ASSERT_TRUE(content);
  EXPECT_EQ(as_text(*content), "content");
  EXPECT_FALSE(write_all(*file, as_bytes("x")));
  // Nobody holds it open for writing: else this would be refused.
  EXPECT_EQ(::fcntl(file->get(), F_SETLEASE, F_RDLCK), 0);
}

TEST_F(FileTest, ListsNamesInOrder) {
  make("b", "");
  make("a", "");
  EXPECT_THAT(list_directory(folder_), ElementsAre("a", "b"));
  EXPECT_THAT(list_directory(folder_ + "/nothing"), ElementsAre());
}

TEST(Mounts, ProcIsAMountPointAndItsFoldersAreNot) {
  EXPECT_TRUE(is_mount_point("/proc"));
  EXPECT_FALSE(is_mount_point("/proc/self"));
  EXPECT_FALSE(is_mount_point("/nothing"));
}

// Far more than any of them takes.
Deadline soon() {
  return Deadline::in(std::chrono::seconds(60));
}

TEST(Processes, TellHowAProgramEnded) {
  EXPECT_EQ(run({"/bin/sh", "-c", "exit 3"}, soon()).value_or(-1), 3);
  EXPECT_EQ(run({"/bin/sh", "-c", "kill -9 $$"}, soon()).value_or(-1), 128 + 9);
  EXPECT_EQ(run({"/nothing"}, soon()).value_or(-1), 127);
}

TEST(Processes, OneThatHangsIsEnded) {
  EXPECT_THAT(run({"/usr/bin/tail", "-f", "/dev/null"}, Deadline::in(std::chrono::milliseconds(50))),
              test::Fails(Code::Timeout, "/usr/bin/tail did not end in time"));
  EXPECT_THAT(do_apart(
                  "waiting", [] { ::pause(); }, Deadline::in(std::chrono::milliseconds(50))),
              test::Fails(Code::Timeout, "waiting did not end in time"));
}

TEST(Processes, AnExceptionStaysInTheChild) {
  EXPECT_TRUE(do_apart("nothing", [] {}, soon()));
  EXPECT_THAT(
      do_apart("taking memory", [] { throw std::bad_alloc(); }, soon()), test::Fails(Code::NoMemory, "taking memory"));
}

}  // namespace
}  // namespace vhdboot::sys
