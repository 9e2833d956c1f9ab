// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot-reader: the only program of a boot that knows NTFS and exFAT; see init/sys/reader.h.
#include <cstdio>
#include <string_view>
#include <vector>

#include "init/sys/reader_process.h"

int main(int argc, char** argv) {
  using namespace vhdboot;
  if (const auto task = sys::reader_task(std::vector<std::string_view>(argv, argv + argc))) sys::reader_here()(*task);
  std::fputs("vhdboot-reader is started by vhdboot-init: to look at disks and images use vhdboot-inspect\n", stderr);
  return 2;
}
