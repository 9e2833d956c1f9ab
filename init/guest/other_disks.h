// SPDX-License-Identifier: GPL-2.0-or-later
// The other disks of this machine under the names by which a guest looks for its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "disk/selector.h"
#include "init/guest/root.h"
#include "kexec/cmdline.h"

namespace vhdboot::guest {

/// A disk or partition that the guest will see.
struct PresentDevice {
  std::string path;        ///< "/dev/sda2"; of the image for people: "partition 2 of the guest disk"
  std::uint64_t size = 0;  ///< bytes
  std::string type;        ///< of its file system, as libblkid says; empty when unknown
  disk::Identity identity;
  std::string volume_group;  ///< that it is a physical volume of; empty when it is none
  std::string group_id;      ///< of that; empty when unknown
  unsigned disk = 0;         ///< of the guest's: its number; 0: its own one
};

/// Whether the guest would find only its own devices. A disk and an image copied from it have the same UUIDs, and the
/// guest takes whichever it sees first. Unsafe, with the device and what to do, when one of `others` is
/// - a physical volume of a volume group that the image has, too, by its name;
/// - a copy of what is put together without being named: btrfs, LUKS, LVM, RAID;
/// - what root=, mount.usr= or the options of encrypted volumes name (not resume=: with nohibernate nobody resumes);
/// - what a line of `fstab` names that is also a partition of the image (`own`), unless the line is never mounted;
/// - swap space by a line of `fstab`, unless that is marked nofail: the guest would write to it;
/// - at the place that a line of `fstab` names by /dev/sda2 and the like, with the same file system, and not for "/";
/// - what a line of `crypttab` formats at every start (swap, tmp), or names as a partition of the image is named, too.
/// A line of `crypttab` that formats what it names by /dev/sda3, by-id or by-path is Unsafe on every machine.
/// A file system on another disk alone is what the person wants to have there.
/// `tables` are empty when they cannot be known, as in an encrypted root.
[[nodiscard]] Result<void> check_other_disks(const kexec::CommandLine& line, const RootTables& tables,
                                             const std::vector<PresentDevice>& own,
                                             const std::vector<PresentDevice>& others);

/// The same among the disks of the guest itself, where further ones come first in `own`: Unsafe when what is found by a
/// name is on two of them. A volume group may reach over several.
[[nodiscard]] Result<void> check_own_disks(const kexec::CommandLine& line, const RootTables& tables,
                                           const std::vector<PresentDevice>& own);

/// What an upgrade in the guest would do to a disk of this machine; nothing when there is no reason to fear it.
[[nodiscard]] std::optional<std::string> grub_warning(const RootTables& tables);

}  // namespace vhdboot::guest
