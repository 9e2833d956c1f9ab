// SPDX-License-Identifier: GPL-2.0-or-later
#include "kexec/kexec_load.h"

#include <gmock/gmock.h>

#include <cerrno>

namespace vhdboot::kexec {
namespace {

using ::testing::HasSubstr;

TEST(KexecLoad, EachErrnoHasASentence) {
  EXPECT_THAT(load_error(ENOEXEC).message(), HasSubstr("does not accept this file as a kernel"));
  EXPECT_THAT(load_error(EPERM).text, HasSubstr("locked down"));
  EXPECT_THAT(load_error(EKEYREJECTED).text, HasSubstr("no signature on this kernel"));
  EXPECT_THAT(load_error(ENOMEM).text, HasSubstr("not enough memory"));
  EXPECT_THAT(load_error(EADDRNOTAVAIL).text, HasSubstr("no free range"));
  EXPECT_THAT(load_error(EBUSY).text, HasSubstr("another program"));
  EXPECT_THAT(load_error(ENOSYS).text, HasSubstr("CONFIG_KEXEC_FILE"));
  EXPECT_THAT(load_error(EINVAL).text, HasSubstr("command line"));
  EXPECT_THAT(load_error(ETXTBSY).text, HasSubstr("open for writing"));
  EXPECT_EQ(load_error(EPERM).code, Code::Unsupported);
  EXPECT_EQ(load_error(ENOEXEC).code, Code::Unsupported);
  EXPECT_EQ(load_error(EADDRNOTAVAIL).code, Code::NoMemory);
  EXPECT_EQ(load_error(ENOMEM).code, Code::NoMemory);
  EXPECT_EQ(load_error(EBUSY).code, Code::Busy);
  EXPECT_EQ(load_error(EIO).sys_errno, EIO);
}

}  // namespace
}  // namespace vhdboot::kexec
