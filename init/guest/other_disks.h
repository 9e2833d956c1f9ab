// SPDX-License-Identifier: GPL-2.0-or-later
// The other disks of this machine under the names by which a guest looks for its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "disk/selector.h"
#include "entry/fstab.h"
#include "kexec/cmdline.h"

namespace vhdboot::guest {

/// A disk or partition that the guest will see.
struct PresentDevice {
  std::string path;        ///< "/dev/sda2"; of the image for people: "partition 2 of the guest disk"
  std::uint64_t size = 0;  ///< bytes
  std::string type;        ///< of its file system, as libblkid says; empty when unknown
  disk::Identity identity;
  std::string volume_group;  ///< that it is a physical volume of; empty when it is none
};

/// Whether the guest would find only its own devices. A disk and an image copied from it have the same UUIDs, and the
/// guest takes whichever it sees first. Unsafe, with the device and what to do, when one of `others` is
/// - a physical volume of a volume group that the image has, too, by its name;
/// - a copy of what is put together without being named: btrfs, LUKS, LVM, RAID;
/// - what root=, mount.usr= or the options of encrypted volumes name (not resume=: with nohibernate nobody resumes);
/// - what a line of `fstab` names that is also a partition of the image (`own`), unless the line is never mounted;
/// - swap space by a line of `fstab`, unless that is marked nofail: the guest would write to it;
/// - at the place that a line of `fstab` names by /dev/sda2 and the like, with the same file system, and not for "/".
/// A file system on another disk alone is what the person wants to have there.
/// `fstab` is empty when it cannot be known, as in an encrypted root.
[[nodiscard]] Result<void> check_other_disks(const kexec::CommandLine& line,
                                             const std::vector<entry::FstabEntry>& fstab,
                                             const std::vector<PresentDevice>& own,
                                             const std::vector<PresentDevice>& others);

}  // namespace vhdboot::guest
