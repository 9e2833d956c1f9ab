// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot-unpack: the only program of a boot that decompresses; see init/sys/unpack.h.
#include <cstdio>
#include <string_view>
#include <vector>

#include "init/sys/unpack_process.h"

int main(int argc, char** argv) {
  using namespace vhdboot;
  const std::vector<std::string_view> words(argv, argv + argc);
  if (const auto task = sys::unpack_task(words)) sys::unpack_here()(*task);
  std::fputs("vhdboot-unpack is started by vhdboot-init, to decompress for it\n", stderr);
  return 2;
}
