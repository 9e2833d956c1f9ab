// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/role.h"

namespace vhdboot::core {

std::string_view name(Role role) {
  switch (role) {
    case Role::Stage1:
      return "stage1";
    case Role::Stage2:
      return "stage2";
    case Role::Shutdown:
      return "shutdown";
    case Role::Inspect:
      break;
  }
  return "inspect";
}

Role pick_role(const RoleFacts& facts) {
  if (facts.pid != 1) return Role::Inspect;
  auto program = facts.argv0;
  if (const auto slash = program.rfind('/'); slash != std::string_view::npos) program.remove_prefix(slash + 1);
  if (program == "shutdown") return Role::Shutdown;
  if (facts.handoff) return Role::Stage2;
  return facts.teardown ? Role::Shutdown : Role::Stage1;
}

}  // namespace vhdboot::core
