// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/fd.h"

#include <fcntl.h>

#include <array>

#include "tests/unit/base/error_matchers.h"
#include "tests/unit/base/oracle.h"

namespace vhdboot {
namespace {

using test::Fails;

class FdTest : public ::testing::Test {
 protected:
  test::ScratchFolder folder_;
  const std::string path_ = (folder_.path() / "file").string();
  const Fd file_ = open_file(path_, O_RDWR | O_CREAT, 0600).value();
};

TEST_F(FdTest, ReadsAndWritesAtAPlace) {
  ASSERT_TRUE(write_at(file_, 3, as_bytes("abcdef")));
  std::array<std::byte, 4> some{};
  ASSERT_TRUE(read_at(file_, 4, some));
  EXPECT_EQ(as_text(some), "bcde");
  EXPECT_EQ(read_some(file_, 7, some).value(), 2u) << "fewer only at the end";
  EXPECT_EQ(as_text(some).substr(0, 2), "ef");
  EXPECT_EQ(read_some(file_, 100, some).value(), 0u);
  EXPECT_THAT(read_at(file_, 7, some), Fails(Code::Io, "unexpected end at byte 9"));
}

TEST_F(FdTest, ReadsTheWhole) {
  ASSERT_TRUE(write_at(file_, 0, as_bytes("line\n")));
  EXPECT_EQ(read_text(path_).value(), "line\n");
  EXPECT_EQ(read_text(path_, 5).value(), "line\n");
  EXPECT_THAT(read_text(path_, 4), Fails(Code::NoMemory, "larger than 4 B"));
  EXPECT_THAT(read_text("/proc/self/status").value(), ::testing::HasSubstr("Pid:")) << "its size is 0";
  EXPECT_THAT(read_text(path_ + "x"), Fails(Code::NotFound, path_ + "x"));
}

TEST_F(FdTest, WhatIsOpenForReadingAloneIsNotWritten) {
  EXPECT_FALSE(write_at(open_file(path_, O_RDONLY).value(), 0, as_bytes("a")));
}

}  // namespace
}  // namespace vhdboot
