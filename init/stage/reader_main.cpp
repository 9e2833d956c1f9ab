// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot-reader: the only program of a boot that knows file systems; see init/sys/reader.h and init/sys/content.h.
#include <cstdio>
#include <string_view>
#include <vector>

#include "init/sys/content.h"
#include "init/sys/reader_process.h"

int main(int argc, char** argv) {
  using namespace vhdboot;
  const std::vector<std::string_view> words(argv, argv + argc);
  if (const auto task = sys::reader_task(words)) sys::reader_here()(*task);
  if (const auto task = sys::prober_task(words)) return sys::answer(*task);
  std::fputs("vhdboot-reader is started by vhdboot-init: to look at disks and images use vhdboot-inspect\n", stderr);
  return 2;
}
