// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel options beside root= that name a device of the guest.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "init/guest/root_device.h"
#include "kexec/cmdline.h"

namespace vhdboot::guest {

/// One option whose device got another name.
struct RenamedDevice {
  std::string before;  ///< "mount.usr=/dev/sda3"
  std::string after;   ///< "mount.usr=UUID=..."

  friend bool operator==(const RenamedDevice&, const RenamedDevice&) = default;
};

/// Names by content what these options call /dev/sda2 and the like: mount.usr= (systemd-fstab-generator(8)),
/// systemd.mount-extra= and systemd.swap-extra= (the same, up to the first colon), cryptdevice= and cryptkey=
/// (mkinitcpio's hook encrypt, up to the first colon), real_root= and crypt_root= (genkernel), and source= within
/// cryptopts= (initramfs-tools, Debian's cryptsetup-initramfs). Returns what was changed.
/// Errors as name_by_content(), with the option in front.
[[nodiscard]] Result<std::vector<RenamedDevice>> rename_devices(kexec::CommandLine& line, const DiskFacts& disk);

}  // namespace vhdboot::guest
