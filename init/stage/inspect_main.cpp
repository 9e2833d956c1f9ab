// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot-inspect, in the rescue shell `inspect`: what the stages would see. A program of its own, as no boot needs it.
#include <cstdio>
#include <exception>

#include "init/stage/inspect.h"

int main(int argc, char** argv) {
  try {
    return vhdboot::stage::inspect({argv, argv + argc});
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "inspect: %s\n", exception.what());
    return 1;
  }
}
