// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot-init, process 1: stage 2 where stage 1 has left a handoff.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>

#include "init/record/handoff.h"
#include "init/stage/rescue.h"
#include "init/stage/stage.h"
#include "init/sys/file.h"

namespace {

using namespace vhdboot;

// Process 1 must not end. The only exceptions here are those of the standard library, out of memory above all.
void survive(bool is_stage2, const std::exception& exception) {
  try {
    (void)stage::ask_person({Code::NoMemory, 0, exception.what()},
                            "Whether anything was written to a disk is not known.", record::RescueChoice::Menu, false,
                            sys::Reporter(is_stage2 ? "stage2" : "stage1", sys::Reporter::Audience::Consoles));
  } catch (const std::exception&) {
    std::fputs("vhdboot: out of memory, once more from the beginning\n", stderr);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (::getpid() != 1) {
    std::fputs("vhdboot-init is process 1 of a boot by vhdboot.efi: to look at disks and images use vhdboot-inspect\n",
               stderr);
    return 2;
  }
  const bool is_stage2 = sys::exists(std::string(record::kHandoffPath));
  for (;;) {
    try {
      if (is_stage2) stage::stage2({argv, argv + argc});
      stage::stage1();
    } catch (const std::exception& exception) {
      survive(is_stage2, exception);
    }
  }
}
