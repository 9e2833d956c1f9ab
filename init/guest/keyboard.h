// SPDX-License-Identifier: GPL-2.0-or-later
// Which keyboard a person sits at, from what the guest is set to.
#pragma once

#include <string>

#include "disk/guest_disk.h"

namespace vhdboot::guest {

/// The layout in /etc/default/keyboard (keyboard(5), "de", with its variant "ch(fr)") or /etc/vconsole.conf
/// (vconsole.conf(5), "de-latin1") of the first root that has one; empty when none has. No program may rely on it: it
/// is any text of at most 64 bytes.
[[nodiscard]] std::string keyboard_layout(disk::GuestDisk& disk);

}  // namespace vhdboot::guest
