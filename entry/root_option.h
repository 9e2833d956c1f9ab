// SPDX-License-Identifier: GPL-2.0-or-later
// Whether the root that a command line names can be on the guest disk.
#pragma once

#include <string>

#include "disk/guest_disk.h"
#include "kexec/cmdline.h"

namespace vhdboot::entry {

/// False for a name by content (UUID=, PARTUUID=, LABEL=, PARTLABEL=) that nothing on the disk has, and for a device of
/// LVM, RAID or ZFS ("/dev/mapper/vg-root", "/dev/vg/root", "/dev/md0", "ZFS=rpool"), when nothing on it could hold
/// such inside, as LUKS, LVM and RAID do, or cannot be read. True for every other: for names that only the guest knows,
/// and for none.
[[nodiscard]] bool may_hold_root(const disk::GuestDisk& disk, const std::string& root_option);

/// For a root=/dev/mapper/..: an option that names the LUKS volume to open ("rd.luks.uuid=..",
/// "cryptdevice=UUID=..:x"), when none such does that is on the disk or could be; else empty.
[[nodiscard]] std::string missing_luks(const disk::GuestDisk& disk, const kexec::CommandLine& line);

}  // namespace vhdboot::entry
