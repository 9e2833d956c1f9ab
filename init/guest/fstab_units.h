// SPDX-License-Identifier: GPL-2.0-or-later
// The lines of a guest's fstab that hold on this machine, as units for its systemd: for a guest that is told not to
// read the file itself (fstab=no, systemd-fstab-generator(8)).
#pragma once

#include <string>
#include <vector>

#include "disk/selector.h"
#include "entry/fstab.h"
#include "init/guest/host_mount_unit.h"

namespace vhdboot::guest {

struct FstabUnits {
  std::vector<entry::FstabEntry> kept;  ///< but the line of "/"
  std::vector<GuestFile> files;         ///< of those: mount and swap units, and what has the guest start them
  std::vector<std::string> dropped;     ///< a sentence for each other line but that of "/"
};

/// What stays of `fstab`: not what only Windows offers (drvfs, 9p), not what names a device by a UUID or label that is
/// none of `present`, and not what names one by its place, which is that of another machine. `folder` is that of the
/// units, below the guest's /run; `comment` begins each file.
[[nodiscard]] FstabUnits fstab_units(const std::vector<entry::FstabEntry>& fstab,
                                     const std::vector<disk::Identity>& present, const std::string& folder,
                                     const std::string& comment);

}  // namespace vhdboot::guest
