// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <initializer_list>

namespace vhdboot::tools {

bool open_standard_streams() {
  // In ascending order each one gets the lowest number that is free, which is its own.
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != stream) return false;
  return true;
}

}  // namespace vhdboot::tools
