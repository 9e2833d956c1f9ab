// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/archive_builder.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/text.h"

namespace vhdboot::kexec {
namespace {

using ::testing::HasSubstr;

TEST(Archive, RealCpioUnpacksIt) {
  if (std::system("cpio --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "cpio is not installed";
  ArchiveBuilder archive;
  const std::string large(100001, 'x');
  ASSERT_TRUE(archive.add_directory("/vhdboot", 0750));
  ASSERT_TRUE(archive.add_file("/vhdboot/init", as_bytes("program"), 0755));
  ASSERT_TRUE(archive.add_file("vhdboot/lib/modules/dm-mod.ko", as_bytes(large)));
  ASSERT_TRUE(archive.add_file("empty", {}));
  ASSERT_TRUE(archive.add_symlink("/vhdboot/link", "init"));

  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / concat("cpio-", ::getpid());
  std::filesystem::create_directories(folder / "out");
  const auto bytes = archive.finish();
  std::ofstream(folder / "a.cpio", std::ios::binary) << as_text(bytes);
  ASSERT_EQ(std::system(concat("cd ", folder.string(), "/out && cpio --quiet -idm < ../a.cpio").c_str()), 0);

  const auto read = [&](const char* name) {
    std::ifstream stream(folder / "out" / name, std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(stream), {}};
  };
  const auto mode = [&](const char* name) {
    struct stat status{};
    EXPECT_EQ(::lstat((folder / "out" / name).c_str(), &status), 0) << name;
    return status.st_mode;
  };
  EXPECT_EQ(read("vhdboot/init"), "program");
  EXPECT_EQ(read("vhdboot/lib/modules/dm-mod.ko"), large);
  EXPECT_EQ(read("empty"), "");
  EXPECT_EQ(std::filesystem::read_symlink(folder / "out/vhdboot/link"), "init");
  EXPECT_EQ(mode("vhdboot"), S_IFDIR | 0750U);
  EXPECT_EQ(mode("vhdboot/lib"), S_IFDIR | 0755U);
  EXPECT_EQ(mode("vhdboot/init"), S_IFREG | 0755U);
  EXPECT_EQ(mode("empty"), S_IFREG | 0644U);
  std::filesystem::remove_all(folder);
}

TEST(Archive, SizeIsKnownBeforehandAndAligned) {
  ArchiveBuilder archive;
  EXPECT_EQ(archive.finish().size(), archive.size());
  for (std::size_t length = 0; length < 9; ++length) {
    ASSERT_TRUE(archive.add_file(concat("f", std::string(length, 'x')), as_bytes(std::string(length, 'y'))));
    EXPECT_EQ(archive.size() % 4, 0U);
    EXPECT_EQ(archive.finish().size(), archive.size());
  }
}

TEST(Archive, IsDeterministic) {
  const auto make = [] {
    ArchiveBuilder archive;
    EXPECT_TRUE(archive.add_file("a/b", as_bytes("1")));
    EXPECT_TRUE(archive.add_file("a/c", as_bytes("2")));
    return archive.finish();
  };
  EXPECT_EQ(make(), make());
}

TEST(Archive, ParentsComeBeforeTheirFiles) {
  ArchiveBuilder archive;
  ASSERT_TRUE(archive.add_file("/x/y/z", as_bytes("1")));
  const auto bytes = archive.finish();
  const std::string_view text = as_text(bytes);
  const auto at = [&](std::string name) { return text.find(name + '\0'); };
  EXPECT_LT(at("x"), at("x/y"));
  EXPECT_LT(at("x/y"), at("x/y/z"));
  EXPECT_LT(at("x/y/z"), at("TRAILER!!!"));
}

TEST(Archive, BadPathsAreInvalid) {
  ArchiveBuilder archive;
  for (const std::string& path :
       {std::string(), std::string("/"), std::string("a//b"), std::string("../x"), std::string("a/./b"),
        std::string("a/"), std::string("TRAILER!!!"), std::string("a\0b", 3), std::string(5000, 'x')}) {
    EXPECT_FALSE(archive.add_file(path, {})) << path;
    EXPECT_FALSE(archive.add_directory(path)) << path;
    EXPECT_FALSE(archive.add_symlink(path, "t")) << path;
  }
  EXPECT_FALSE(archive.add_symlink("s", ""));
  EXPECT_FALSE(archive.add_symlink("s", std::string(5000, 'x')));
  EXPECT_EQ(archive.size(), ArchiveBuilder().size());
}

TEST(Archive, NothingIsAddedTwice) {
  ArchiveBuilder archive;
  ASSERT_TRUE(archive.add_file("a/b", as_bytes("1")));
  EXPECT_TRUE(archive.add_directory("a"));
  const auto size = archive.size();
  EXPECT_THAT(archive.add_file("/a/b", {}).error().text, HasSubstr("a/b is in the archive already"));
  EXPECT_FALSE(archive.add_directory("a/b"));
  EXPECT_FALSE(archive.add_file("a", {}));
  EXPECT_FALSE(archive.add_file("a/b/c", {}));
  EXPECT_EQ(archive.size(), size);
}

}  // namespace
}  // namespace vhdboot::kexec
