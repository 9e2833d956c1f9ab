// SPDX-License-Identifier: GPL-2.0-or-later
// What of the guest is booted: the unified kernel images on its ESP and XBOOTLDR partition.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "init/core/partition_table.h"
#include "init/sys/console.h"
#include "init/sys/file.h"
#include "init/sys/loop.h"
#include "init/sys/mount.h"
#include "kexec/bls.h"
#include "kexec/uki.h"

namespace vhdboot::stage {

/// The chosen entry, its file open for reading. The file system it lies on stays mounted as long as this lives.
struct GuestEntry {
  std::vector<sys::Mount> mounts;
  kexec::BootEntry entry;
  kexec::Uki uki;
  std::unique_ptr<sys::FdSource> file;
};

/// The entry that `pattern` names, or the first in the order of the Boot Loader Specification. An image that cannot be
/// parsed is passed over with a warning as long as there is another one.
/// NotFound: no ESP, no unified kernel image on it, none that matches. Otherwise what is wrong with the only one.
[[nodiscard]] Result<GuestEntry> choose_entry(const sys::LoopDevice& disk, const core::PartitionTable& table,
                                              std::string_view pattern, const sys::Reporter& report);

}  // namespace vhdboot::stage
