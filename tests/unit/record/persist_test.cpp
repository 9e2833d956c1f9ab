// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/persist.h"

#include <gmock/gmock.h>

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::record {
namespace {

using test::Fails;
using testing::ElementsAre;

Result<std::vector<std::string>> with(const std::string& path, std::vector<std::string> paths = {"/home", "/var/log"}) {
  return with_persist_path(std::move(paths), path);
}

TEST(Persist, TheFile) {
  EXPECT_EQ(*parse_persist_file("/vhd/keep.vhd"), "/vhd/keep.vhd");
  EXPECT_EQ(*parse_persist_file("\\vhd\\keep.vhd"), "/vhd/keep.vhd");
  for (const auto* wrong : {"", "keep.vhd", "yes", "/", "/a/../b", "C:\\keep.vhd"})
    EXPECT_THAT(parse_persist_file(wrong), Fails(Code::Invalid, "")) << wrong;
}

TEST(Persist, ADirectory) {
  EXPECT_THAT(*with("/srv/a-b_c.d@1"), ElementsAre("/home", "/var/log", "/srv/a-b_c.d@1"));
  EXPECT_TRUE(with("/homework"));
  EXPECT_TRUE(with("/var/logs"));
  EXPECT_TRUE(with("/running"));
  EXPECT_TRUE(with("/\xC3\xB6")) << "UTF-8";
}

TEST(Persist, WhatIsNoDirectoryToKeep) {
  EXPECT_THAT(with("/"), Fails(Code::Invalid, "\"/\" is all of the guest"));
  for (const auto* wrong : {"", "home", "./home", "/a/", "//a", "/a//b", "/a/../b", "/..", "/a/.", "/./a"})
    EXPECT_THAT(with(wrong), Fails(Code::Invalid, "")) << wrong;
  EXPECT_THAT(with("/a/.."), Fails(Code::Invalid, "\"/a/..\" is not an absolute path such as /var/log"));
  for (const auto* taken : {"/run", "/run/user", "/proc", "/proc/1", "/sys", "/sys/fs", "/dev", "/dev/shm"})
    EXPECT_THAT(with(taken), Fails(Code::Invalid, "cannot be kept: ")) << taken;
  for (const auto* odd : {"/a b", "/a\tb", "/a\nb", "/a'b", "/a\"b", "/a%b", "/a\\b", "/a$b"})
    EXPECT_THAT(with(odd), Fails(Code::Invalid, "has a blank, a quote")) << odd;
}

TEST(Persist, DirectoriesThatMeet) {
  EXPECT_THAT(with("/home"), Fails(Code::Invalid, "\"/home\" is named twice"));
  EXPECT_THAT(with("/home/me"), Fails(Code::Invalid, "\"/home/me\" lies in /home"));
  EXPECT_THAT(with("/var"), Fails(Code::Invalid, "\"/var\" holds /var/log"));
}

TEST(Persist, Caps) {
  EXPECT_TRUE(with("/" + std::string(kMaxPersistPathBytes - 1, 'a')));
  EXPECT_THAT(with("/" + std::string(kMaxPersistPathBytes, 'a')), Fails(Code::Invalid, "more than 200 bytes"));
  EXPECT_THAT(with("/" + std::string(100, '-')), Fails(Code::Invalid, "too long for the name of a unit"));
  std::vector<std::string> many;
  for (std::size_t i = 0; i < kMaxPersistPaths; ++i) many.push_back("/a" + std::to_string(i));
  EXPECT_THAT(with("/b", many), Fails(Code::Invalid, "more than 32 paths"));
}

}  // namespace
}  // namespace vhdboot::record
