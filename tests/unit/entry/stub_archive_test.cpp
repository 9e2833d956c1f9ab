// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/stub_archive.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/cpio.h"
#include "base/text.h"

namespace vhdboot::entry {
namespace {

using namespace std::string_literals;

// As make_plan() places pieces.
std::string flatten(const std::vector<kexec::Piece>& pieces) {
  std::string out;
  for (const kexec::Piece& piece : pieces) {
    std::vector<std::byte> bytes(piece.range.length);
    EXPECT_TRUE(piece.file->read(piece.range.offset, bytes));
    out += as_text(bytes);
    out.resize(align_up(out.size(), 4));
  }
  return out;
}

std::string flatten(StubArchives archives) {
  const auto finished = std::move(archives).finish();
  return flatten(finished.pieces);
}

// What systemd-stub 257.13 of Debian 13 made of a `.pcrsig` section with the text "{}", read back from
// /sys/firmware/initrd.
const std::string kFromTheStub =
    "070701000000010000416d0000000000000000000000010000000000000000000000000000000000000000000000000000000700000000"
    ".extra\0\0\0\0"
    "07070100000002000081240000000000000000000000010000000000000002000000000000000000000000000000000000001f00000000"
    ".extra/tpm2-pcr-signature.json\0\0\0\0{}\0\0"
    "07070100000000000000000000000000000000000000010000000000000000000000000000000000000000000000000000000B00000000"
    "TRAILER!!!\0\0\0\0"s;

TEST(StubArchive, TheBytesOfTheStub) {
  const MemorySource file(as_bytes("{}"));
  StubArchives archives;
  ASSERT_TRUE(archives.add({.path = ".extra"}, {{"tpm2-pcr-signature.json", {&file, {0, 2}}}}));
  EXPECT_EQ(flatten(std::move(archives)), kFromTheStub);
}

TEST(StubArchive, RealCpioUnpacksIt) {
  if (std::system("cpio --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "cpio is not installed";
  const std::string large(100001, 'x');
  const MemorySource one(as_bytes("--secret--"));
  const MemorySource two(as_bytes(large));
  StubArchives archives;
  ASSERT_TRUE(archives.add({.path = ".extra/credentials", .folder_mode = 0500, .file_mode = 0400},
                           {{"a.cred", {&one, {2, 6}}}, {"empty.cred", {&one, {}}}, {"b.cred", {&two, {0, 100001}}}}));
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / concat("stub-", ::getpid());
  std::filesystem::create_directories(folder / "out");
  std::ofstream(folder / "a.cpio", std::ios::binary) << flatten(std::move(archives));
  EXPECT_EQ(std::system(concat("cd ", folder.string(), "/out && cpio --quiet -idm < ../a.cpio").c_str()), 0);
  const auto path = [&](const char* name) { return folder / "out/.extra" / name; };
  const auto read = [&](const char* name) {
    std::ifstream stream(path(name), std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(stream), {}};
  };
  const auto mode = [&](const char* name) {
    struct stat status{};
    EXPECT_EQ(::lstat(path(name).c_str(), &status), 0) << name;
    return status.st_mode;
  };
  EXPECT_EQ(mode(""), S_IFDIR | 0555U);
  EXPECT_EQ(mode("credentials"), S_IFDIR | 0500U);
  EXPECT_EQ(mode("credentials/a.cred"), S_IFREG | 0400U);
  EXPECT_EQ(mode("credentials/empty.cred"), S_IFREG | 0400U);
  std::filesystem::permissions(path("credentials"), std::filesystem::perms::owner_all);
  std::filesystem::permissions(path(""), std::filesystem::perms::owner_all);
  EXPECT_EQ(read("credentials/a.cred"), "secret");
  EXPECT_EQ(read("credentials/empty.cred"), "");
  EXPECT_EQ(read("credentials/b.cred"), large);
  std::filesystem::remove_all(folder);
}

TEST(StubArchive, FilesStayWhereTheyAre) {
  const MemorySource file(as_bytes("0123456789"));
  StubArchives archives;
  ASSERT_TRUE(archives.add({.path = "a"}, {{"x", {&file, {1, 3}}}, {"y", {&file, {4, 5}}}}));
  ASSERT_TRUE(archives.add({.path = "b"}, {{"z", {&file, {}}}}));
  auto finished = std::move(archives).finish();
  const auto moved = std::move(finished);
  ASSERT_EQ(moved.pieces.size(), 6U);
  EXPECT_EQ(moved.pieces[1], (kexec::Piece{&file, {1, 3}}));
  EXPECT_EQ(moved.pieces[3], (kexec::Piece{&file, {4, 5}}));
  std::uint64_t owned = 0;
  for (const std::size_t i : {0, 2, 4, 5}) {
    EXPECT_EQ(moved.pieces[i].file, moved.owned.get()) << i;
    EXPECT_EQ(moved.pieces[i].range.offset, owned) << i;
    EXPECT_EQ(moved.pieces[i].range.length % 4, 0U) << i;
    owned += moved.pieces[i].range.length;
  }
  EXPECT_EQ(moved.owned->size(), owned);
}

TEST(StubArchive, NothingForNoFiles) {
  StubArchives archives;
  ASSERT_TRUE(archives.add({.path = "a"}, {}));
  const auto finished = std::move(archives).finish();
  EXPECT_TRUE(finished.pieces.empty());
  EXPECT_EQ(finished.owned->size(), 0U);
}

TEST(StubArchive, RefusesWhatTheFormatCannotHold) {
  const MemorySource file(as_bytes("x"));
  StubArchives archives;
  for (const std::string& name : {""s, "a/b"s, "a\0b"s, std::string(cpio::kMaxNameLength, 'n')}) {
    const auto added = archives.add({.path = "a"}, {{"fine", {&file, {0, 1}}}, {name, {&file, {0, 1}}}});
    ASSERT_FALSE(added) << name.size();
    EXPECT_EQ(added.error().code, Code::Invalid);
  }
  EXPECT_FALSE(archives.add({.path = "a"}, {{"n", {&file, {0, cpio::kMaxFileSize + 1}}}}));
  EXPECT_FALSE(archives.add({.path = "/a"}, {{"n", {&file, {0, 1}}}}));
  EXPECT_TRUE(std::move(archives).finish().pieces.empty());
}

}  // namespace
}  // namespace vhdboot::entry
