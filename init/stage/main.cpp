// SPDX-License-Identifier: GPL-2.0-or-later
// vhdboot-init: one binary, three roles.
#include <unistd.h>

#include <exception>

#include "init/core/role.h"
#include "init/record/handoff.h"
#include "init/stage/rescue.h"
#include "init/stage/stage.h"
#include "init/sys/file.h"

namespace {

using namespace vhdboot;

int play(core::Role role, const stage::Arguments& arguments) {
  switch (role) {
    case core::Role::Stage1:
      stage::stage1();
    case core::Role::Stage2:
      stage::stage2(arguments);
    case core::Role::Inspect:
      break;
  }
  return stage::inspect(arguments);
}

}  // namespace

int main(int argc, char** argv) {
  // Process 1 must not end. The only exceptions here are those of the standard library, out of memory above all.
  core::Role role = core::Role::Stage1;
  try {
    const stage::Arguments arguments(argv, argv + argc);
    role = core::pick_role({.pid = ::getpid(), .handoff = sys::exists(std::string(record::kHandoffPath))});
    return play(role, arguments);
  } catch (const std::exception& exception) {
    if (role == core::Role::Inspect) return 1;
    const Error error{Code::NoMemory, 0, exception.what()};
    stage::rescue(error, record::RescueChoice::Menu,
                  sys::Reporter(std::string(name(role)), sys::Reporter::Audience::Consoles));
  }
}
