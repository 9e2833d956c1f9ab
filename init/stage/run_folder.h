// SPDX-License-Identifier: GPL-2.0-or-later
// What the guest would miss of a boot from a disk of its own is left for it in its /run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "init/guest/host_mount_unit.h"
#include "init/record/handoff.h"
#include "init/stage/keeper.h"
#include "init/stage/volume_groups.h"

namespace vhdboot::stage {

using UdevRules = std::vector<guest::GuestFile>;

/// What is left for every guest alike.
struct LeftForGuest {
  UdevRules rules;
  std::optional<LvmOverrides> lvm;
  std::optional<std::string> notice;      ///< a line that is shown at login
  std::vector<guest::GuestFile> persist;  ///< guest::persist_units(); then there is no `notice` beside it
  std::vector<guest::GuestFile> files;    ///< more of that kind
};

/// The files below `folder`, each named by its path there; empty when there is no such folder.
[[nodiscard]] Result<std::vector<guest::GuestFile>> files_below(const std::string& folder);

/// Gives that to the guest's initrd, in memory: the configuration of LVM where it has one.
[[nodiscard]] Result<void> give_to_initrd(const LeftForGuest& left);

/// Leaves the files, of both kinds, in the folder `run` that becomes the /run of a guest whose root is mounted already:
/// its init finds them there when it begins.
[[nodiscard]] Result<void> give_to_run(const LeftForGuest& left, const std::string& run);

/// Starts a keeper (see keeper.h) that waits for the guest's init and leaves, where there is such a thing:
/// - for systemd what a boot loader tells it by EFI variables, which we cannot set: entry::bless_unit(),
///   guest::gpt_auto_generator(); and what mounts the host device, guest::host_mount_units();
///   and what puts the configuration of LVM over the guest's own one, guest::lvm_units();
/// - for udev the rules, and for who logs in the notice.
/// Before that, as soon as there is a /run that the guest's init may take over, what it takes to keep directories, and
/// the `files`.
/// `disk`: the guest disk.
/// systemd's first mounts wake the keeper, long before systemd looks for generators and units; but nothing makes
/// systemd wait for it. What comes too late is as if it were not there: the boot counter stays, the ESP is not mounted.
[[nodiscard]] Result<Keeper> leave_in_run(const record::Handoff& handoff, const std::string& disk,
                                          const LeftForGuest& left);

}  // namespace vhdboot::stage
