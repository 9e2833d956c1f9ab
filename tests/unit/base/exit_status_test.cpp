// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "base/exit_status.h"

namespace vhdboot {
namespace {

ExitStatus judged(Code code) {
  return exit_status(Error{code, 0, "what was found"});
}

TEST(ExitStatus, TheNumbersThatTheManualPagesName) {
  EXPECT_EQ(number(ExitStatus::Done), 0);
  EXPECT_EQ(number(ExitStatus::Failed), 1);
  EXPECT_EQ(number(ExitStatus::Usage), 2);
  EXPECT_EQ(number(ExitStatus::Refused), 3);
  EXPECT_EQ(number(ExitStatus::Warnings), 4);
}

TEST(ExitStatus, WhatWeFoundOutRefuses) {
  for (const Code code :
       {Code::NotFound, Code::Corrupt, Code::Unsupported, Code::Unsafe, Code::Busy, Code::Invalid, Code::NoMemory})
    EXPECT_EQ(judged(code), ExitStatus::Refused) << name(code);
  for (const Code code : {Code::Io, Code::Timeout}) EXPECT_EQ(judged(code), ExitStatus::Failed) << name(code);
}

TEST(ExitStatus, WhatTheSystemSaysFails) {
  for (const int err : {ENOENT, EIO, ENOSPC, EACCES, EPERM, EROFS, ENOMEM, EINTR})
    EXPECT_EQ(exit_status(sys_error("opening it", err)), ExitStatus::Failed) << err;
  // But for what is not possible here, and what somebody else holds.
  for (const int err : {EOPNOTSUPP, ENOSYS, EBUSY, ETXTBSY})
    EXPECT_EQ(exit_status(sys_error("opening it", err)), ExitStatus::Refused) << err;
}

TEST(ExitStatus, OfSeveralTheFirstThatWasNotDone) {
  using enum ExitStatus;
  EXPECT_EQ(together(Done, Done), Done);
  EXPECT_EQ(together(Done, Warnings), Warnings);
  EXPECT_EQ(together(Warnings, Done), Warnings);
  EXPECT_EQ(together(Warnings, Refused), Refused);
  EXPECT_EQ(together(Refused, Failed), Refused);
  EXPECT_EQ(together(Failed, Warnings), Failed);
}

}  // namespace
}  // namespace vhdboot
