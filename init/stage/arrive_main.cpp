// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot-arrive: brings the rest of an image while its guest runs, see init/stage/keep_arriving.h.
#include <cstdio>
#include <string_view>
#include <vector>

#include "init/stage/keep_arriving.h"
#include "init/stage/keeper_process.h"

int main(int argc, char** argv) {
  using namespace vhdboot;
  const auto request = stage::parse_arrive_request(std::vector<std::string_view>(argv + 1, argv + argc));
  if (!request) {
    std::fputs("vhdboot-arrive is started by vhdboot-init, when an image arrives while its system runs\n", stderr);
    return 2;
  }
  stage::stay_in_guest(argv);
  return stage::keep_arriving(*request);
}
