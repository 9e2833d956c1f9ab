// SPDX-License-Identifier: GPL-2.0-or-later
// vhdtool: looks into disk images and makes them. See vhdtool(1).
#include "tools/vhdtool/commands.h"

int main(int argc, char** argv) {
  using namespace vhdboot;
  return tools::run(
      {.name = "vhdtool", .version = "vhdtool (vhdboot) " VHDBOOT_VERSION, .commands = vhdtool::commands()}, argc,
      argv);
}
