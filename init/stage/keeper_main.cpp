// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot-keeper: makes new blocks in the image of a guest that runs, see init/stage/keep_growing.h, and rolls an image
// back before one runs, see init/stage/roll_back_image.h.
#include <cstdio>
#include <string_view>
#include <vector>

#include "init/stage/keep_growing.h"
#include "init/stage/keeper_process.h"
#include "init/stage/roll_back_image.h"

int main(int argc, char** argv) {
  using namespace vhdboot;
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (const auto request = stage::parse_roll_back_request(words)) return stage::roll_back_for_stage1(*request);
  const auto request = stage::parse_grow_request(words);
  if (!request) {
    std::fputs("vhdboot-keeper is started by vhdboot-init, when an image grows while its system runs\n", stderr);
    return 2;
  }
  stage::stay_in_guest(argv);
  return stage::keep_growing(*request);
}
