// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/safe_write.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/fd.h"

namespace vhdboot::tools {
namespace {

class SafeWriteTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "safe-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/file";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  std::string folder_;
  std::string path_;
};

TEST_F(SafeWriteTest, LeavesTheFileAlone) {
  ASSERT_TRUE(write_safely(path_, as_bytes("one")));
  EXPECT_EQ(read_text(path_).value_or(""), "one");
  ::chmod(path_.c_str(), 0600);
  ASSERT_TRUE(write_safely(path_, as_bytes("two")));
  EXPECT_EQ(read_text(path_).value_or(""), "two");
  struct stat status{};
  ::stat(path_.c_str(), &status);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_EQ(files(), 1U);
  ASSERT_TRUE(remove_safely(path_));
  ASSERT_TRUE(remove_safely(path_));
  EXPECT_EQ(files(), 0U);
}

TEST_F(SafeWriteTest, AFailureLeavesTheOldContents) {
  ASSERT_TRUE(write_safely(path_, as_bytes("one")));
  std::filesystem::create_directory(path_ + kNewSuffix);
  EXPECT_FALSE(write_safely(path_, as_bytes("two")));
  EXPECT_EQ(read_text(path_).value_or(""), "one");
}

TEST_F(SafeWriteTest, WhatACutLeftIsTold) {
  EXPECT_EQ(left_behind(path_), "");
  std::ofstream(path_ + kOldSuffix) << "one";
  EXPECT_NE(left_behind(path_).find("was cut off"), std::string::npos);
}

}  // namespace
}  // namespace vhdboot::tools
