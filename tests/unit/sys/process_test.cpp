// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/sys/process.h"

#include <gtest/gtest.h>

namespace vhdboot::sys {
namespace {

TEST(TerminalType, OfScreensAndLines) {
  for (const char* screen : {"/dev/tty0", "/dev/tty1", "/dev/tty12", "/dev/tty", "/dev/console"})
    EXPECT_STREQ(terminal_type(screen), "linux") << screen;
  for (const char* line : {"/dev/ttyS0", "/dev/ttyUSB0", "/dev/ttyAMA0", "/dev/hvc0"})
    EXPECT_STREQ(terminal_type(line), "vt220") << line;
}

}  // namespace
}  // namespace vhdboot::sys
