// SPDX-License-Identifier: GPL-2.0-or-later
// Kernel options that a virtual machine's owner passes in the firmware's tables, and systemd-stub appends.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"

namespace vhdboot::entry {

/// The value of the OEM string "io.systemd.stub.kernel-cmdline-extra=..." in an SMBIOS structure table (DSP0134, type
/// 11), as /sys/firmware/dmi/tables/DMI shows it: the first one, after clean_cmdline(). Nothing when there is none; a
/// table that breaks off is read up to there. Not to be asked in a confidential virtual machine, whose owner is not to
/// be trusted.
[[nodiscard]] std::optional<std::string> stub_options_of_smbios(Bytes table);

}  // namespace vhdboot::entry
