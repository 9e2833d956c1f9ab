// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot: the images of this machine, from a running system. See vhdboot(1).
#include "tools/vhdboot/commands.h"

int main(int argc, char** argv) {
  using namespace vhdboot;
  return tools::run(
      {.name = "vhdboot", .version = "vhdboot " VHDBOOT_VERSION, .commands = command::commands(), .usual = "status"},
      argc, argv);
}
