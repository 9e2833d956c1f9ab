// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/persist.h"

#include <gmock/gmock.h>

#include "tests/unit/base/error_matchers.h"

namespace vhdboot::record {
namespace {

using test::Fails;

Result<std::string> with(const std::string& more, std::string paths = "/home /var/log") {
  return with_persist_paths(std::move(paths), more);
}

TEST(Persist, Directories) {
  EXPECT_EQ(*with("  /srv/a-b_c.d@1\t/x "), "/home /var/log /srv/a-b_c.d@1 /x");
  EXPECT_EQ(*with("/x", ""), "/x");
  EXPECT_EQ(*with(" ", "/x"), "/x");
  for (const auto* right : {"/homework", "/var/logs", "/running", "/\xC3\xB6", "/...", "/.x"})
    EXPECT_TRUE(with(right)) << right;
}

TEST(Persist, WhatIsNoDirectoryToKeep) {
  EXPECT_THAT(with("/"), Fails(Code::Invalid, "\"/\" is named beside others"));
  EXPECT_THAT(with_persist_paths("/", "/home"), Fails(Code::Invalid, "\"/home\" is named beside others"));
  EXPECT_EQ(*with_persist_paths("", "/"), "/");
  for (const auto* wrong : {"home", "./home", "/a/", "//a", "/a//b", "/a/../b", "/..", "/a/.", "/./a", "../a"})
    EXPECT_THAT(with(wrong), Fails(Code::Invalid, " is not an absolute path such as /var/log")) << wrong;
  for (const auto* taken : {"/run", "/run/user", "/proc", "/proc/1", "/sys", "/sys/fs", "/dev", "/dev/shm"})
    EXPECT_THAT(with(taken), Fails(Code::Invalid, "cannot be kept: ")) << taken;
  for (const auto* odd : {"/a'b", "/a\"b", "/a%b", "/a\\b", "/a$b", "/a\x01", "/a\v"})
    EXPECT_THAT(with(odd), Fails(Code::Invalid, "has a quote")) << odd;
}

TEST(Persist, DirectoriesThatMeet) {
  for (const auto* wrong : {"/home", "/home/me", "/var", "/a /b /a", "/a/b /a"})
    EXPECT_THAT(with(wrong), Fails(Code::Invalid, " is named twice, lies in another one or holds one")) << wrong;
}

TEST(Persist, Caps) {
  EXPECT_TRUE(with("/" + std::string(249, 'a')));
  EXPECT_THAT(with("/" + std::string(250, 'a')), Fails(Code::Invalid, "too long for the name of a unit"));
  EXPECT_THAT(with("/" + std::string(100, '-')), Fails(Code::Invalid, "too long for the name of a unit"));
  std::string many;
  for (std::size_t i = 0; i < kMaxPersistPaths; ++i) many += " /a" + std::to_string(i);
  EXPECT_TRUE(with(many, ""));
  EXPECT_THAT(with(many + " /b", ""), Fails(Code::Invalid, "\"/b\" is one too many, 32 can be kept"));
}

}  // namespace
}  // namespace vhdboot::record
