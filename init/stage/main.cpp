// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot-init: one binary, three roles.
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "init/record/handoff.h"
#include "init/stage/rescue.h"
#include "init/stage/role.h"
#include "init/stage/stage.h"
#include "init/sys/file.h"

namespace {

using namespace vhdboot;

int play(stage::Role role, const stage::Arguments& arguments) {
  switch (role) {
    case stage::Role::Stage1:
      stage::stage1();
    case stage::Role::Stage2:
      stage::stage2(arguments);
    case stage::Role::Inspect:
      break;
  }
  return stage::inspect(arguments);
}

// Process 1 must not end. The only exceptions here are those of the standard library, out of memory above all.
void survive(stage::Role role, const std::exception& exception) {
  try {
    (void)stage::ask_person({Code::NoMemory, 0, exception.what()},
                            "Whether anything was written to a disk is not known.", record::RescueChoice::Menu, false,
                            sys::Reporter(std::string(name(role)), sys::Reporter::Audience::Consoles));
  } catch (const std::exception&) {
    std::fputs("vhdboot: out of memory, once more from the beginning\n", stderr);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const stage::Role role =
      stage::pick_role({.pid = ::getpid(), .handoff = sys::exists(std::string(record::kHandoffPath))});
  for (;;) {
    try {
      return play(role, {argv, argv + argc});
    } catch (const std::exception& exception) {
      if (role == stage::Role::Inspect) return 1;
      survive(role, exception);
    }
  }
}
