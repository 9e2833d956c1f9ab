// SPDX-License-Identifier: GPL-2.0-or-later
// One binary, three roles: which one a start of it means.
#pragma once

#include <cstdint>
#include <string_view>

namespace vhdboot::stage {

enum class Role : std::uint8_t {
  Stage1,   ///< process 1 of the boot kernel
  Stage2,   ///< process 1 of the target kernel, before the guest's own init
  Inspect,  ///< started by a person: looks, never writes
};

/// "stage1", "stage2", "inspect": also the name in messages.
[[nodiscard]] std::string_view name(Role role);

struct RoleFacts {
  int pid = 0;
  bool handoff = false;  ///< kHandoffPath exists
};

/// Process 1 is stage 2 when there is a handoff, else stage 1. Any other process inspects.
[[nodiscard]] Role pick_role(const RoleFacts& facts);

}  // namespace vhdboot::stage
