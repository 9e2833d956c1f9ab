// SPDX-License-Identifier: GPL-2.0-or-later
// What the boot would start from the guest disk, and whether it can.
#pragma once

#include <optional>
#include <string>

#include "base/byte_source.h"
#include "init/core/config.h"
#include "init/core/partition_table.h"
#include "vhd/tool/finding.h"

namespace vhdboot::tool {

/// The entry that is booted.
struct BootChoice {
  std::string id;          ///< "debian.efi"
  std::string release;     ///< of its kernel
  std::string root;        ///< its root= option, with the configuration's; empty without
  std::string root_flags;  ///< its rootflags= option
};

/// Looks at all of /EFI/Linux on the ESP and XBOOTLDR, as the boot does: `entry` and `options` of `config` count.
/// Nothing when it would find no entry.
[[nodiscard]] std::optional<BootChoice> check_entries(const ByteSource& disk, const core::PartitionTable& table,
                                                      const core::Config& config, Findings& findings);

}  // namespace vhdboot::tool
