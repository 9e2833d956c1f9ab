// SPDX-License-Identifier: GPL-2.0-or-later
// Would the guest find its file systems again?
#pragma once

#include <string_view>

#include "init/guest/root.h"
#include "tools/vhdtool/finding.h"

namespace vhdboot::vhdtool {

/// `text` of the guest's /etc/fstab: a warning for each line that names a disk by the order in which disks were found,
/// as /dev/sda2 does. On this machine that is another disk than the guest's.
void check_fstab(std::string_view text, Findings& findings);

/// What else in the guest would write to a disk of the host: crypttab and the answers that Debian's grub-pc has.
void check_tables(const guest::RootTables& tables, Findings& findings);

}  // namespace vhdboot::vhdtool
