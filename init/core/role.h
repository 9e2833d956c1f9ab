// SPDX-License-Identifier: GPL-2.0-or-later
// One binary, four roles: which one a start of it means.
#pragma once

#include <cstdint>
#include <string_view>

namespace vhdboot::core {

enum class Role : std::uint8_t {
  Stage1,    ///< process 1 of the boot kernel
  Stage2,    ///< process 1 of the target kernel, before the guest's own init
  Shutdown,  ///< process 1 in the exitrd, after the guest has gone down
  Inspect,   ///< started by a person: looks, never writes
};

/// "stage1", "stage2", "shutdown", "inspect": also the name in messages.
[[nodiscard]] std::string_view name(Role role);

struct RoleFacts {
  int pid = 0;
  std::string_view argv0;  ///< systemd starts the exitrd as "/shutdown"
  bool handoff = false;    ///< kHandoffPath exists
  bool teardown = false;   ///< the record of what to undo lies where the exitrd would find it
};

/// Process 1 named "shutdown" is the exitrd; with a handoff it is stage 2; with only a teardown record the exitrd
/// again, whatever its name; else stage 1. Any other process inspects.
[[nodiscard]] Role pick_role(const RoleFacts& facts);

}  // namespace vhdboot::core
