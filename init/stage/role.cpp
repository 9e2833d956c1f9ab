// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/role.h"

namespace vhdboot::stage {

std::string_view name(Role role) {
  switch (role) {
    case Role::Stage1:
      return "stage1";
    case Role::Stage2:
      return "stage2";
    case Role::Inspect:
      break;
  }
  return "inspect";
}

Role pick_role(const RoleFacts& facts) {
  if (facts.pid != 1) return Role::Inspect;
  return facts.handoff ? Role::Stage2 : Role::Stage1;
}

}  // namespace vhdboot::stage
