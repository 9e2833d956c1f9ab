// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot-arrive: brings the rest of an image while its guest runs, see init/stage/keep_arriving.h.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include "init/stage/keep_arriving.h"

int main(int argc, char** argv) {
  using namespace vhdboot;
  const auto request = stage::parse_arrive_request(std::vector<std::string_view>(argv + 1, argv + argc));
  if (!request) {
    std::fputs("vhdboot-arrive is started by vhdboot-init, when an image arrives while its system runs\n", stderr);
    return 2;
  }
  // systemd lets such a process live while it kills everything else of the initrd.
  argv[0][0] = '@';
  // The consoles are the guest's.
  if (const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC); null >= 0)
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
  return stage::keep_arriving(*request);
}
