// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/result.h"

#include <gmock/gmock.h>

#include <memory>
#include <set>

namespace vhdboot {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(Code::Invalid, "odd number");
  return value / 2;
}

Result<int> quarter(int value) {
  const int first = TRY(half(value));
  return TRY_IN("the second half", half(first));
}

Result<void> only_even(int value) {
  TRY_IN("checking", half(value));
  return {};
}

TEST(Result, PassesValuesOn) {
  EXPECT_EQ(quarter(8), 2);
  EXPECT_TRUE(only_even(2));
}

TEST(Result, PassesErrorsOnWithContext) {
  EXPECT_EQ(quarter(3).error().message(), "odd number");
  EXPECT_EQ(quarter(6).error().message(), "the second half: odd number");
  EXPECT_EQ(quarter(6).error().code, Code::Invalid);
  EXPECT_EQ(only_even(3).error().message(), "checking: odd number");
}

TEST(Result, MovesOwnersThrough) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
  const auto use = [&]() -> Result<int> {
    const std::unique_ptr<int> owned = TRY(make());
    return *owned;
  };
  EXPECT_EQ(use(), 7);
}

TEST(Error, ContextComesFirstAndLeavesTheRestAlone) {
  const Error inner{Code::Io, EIO, "reading block 7"};
  const Error outer = inner.within("the footer").within("debian.vhd");
  EXPECT_EQ(outer.text, "debian.vhd: the footer: reading block 7");
  EXPECT_EQ(outer.code, Code::Io);
  EXPECT_EQ(outer.sys_errno, EIO);
  EXPECT_EQ(inner.text, "reading block 7");
  EXPECT_EQ(outer.message(), "debian.vhd: the footer: reading block 7: Input/output error");
}

TEST(Error, CodesFollowErrno) {
  EXPECT_EQ(sys_error("x", ENOENT).code, Code::NotFound);
  EXPECT_EQ(sys_error("x", ENODEV).code, Code::Io);  // a disk that was unplugged is not a file that is missing
  EXPECT_EQ(sys_error("x", EBUSY).code, Code::Busy);
  EXPECT_EQ(sys_error("x", ENOMEM).code, Code::NoMemory);
  EXPECT_EQ(sys_error("x", ETIMEDOUT).code, Code::Timeout);
  EXPECT_EQ(sys_error("x", ENOSYS).code, Code::Unsupported);
  EXPECT_EQ(sys_error("x", EINVAL).code, Code::Invalid);
  EXPECT_EQ(sys_error("x", EIO).code, Code::Io);
  EXPECT_EQ(sys_error("x", 0).code, Code::Io);
}

TEST(Error, TakesErrnoByDefault) {
  errno = ENOENT;
  const Result<int> result = fail_errno("opening debian.vhd");
  EXPECT_EQ(result.error().sys_errno, ENOENT);
  EXPECT_EQ(result.error().message(), "opening debian.vhd: No such file or directory");
}

TEST(Error, EveryCodeHasItsName) {
  std::set<std::string_view> names;
  for (const Code code : {Code::NotFound, Code::Corrupt, Code::Unsupported, Code::Unsafe, Code::Io, Code::Busy,
                          Code::Timeout, Code::Invalid, Code::NoMemory})
    names.insert(name(code));
  EXPECT_EQ(names.size(), 9u);
  EXPECT_THAT(names, testing::Not(testing::Contains("unknown")));
}

}  // namespace
}  // namespace vhdboot
