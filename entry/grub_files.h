// SPDX-License-Identifier: GPL-2.0-or-later
// Where GRUB's files lie on the guest disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "disk/guest_disk.h"
#include "entry/folders.h"

namespace vhdboot::entry {

/// Contents; nothing for a file that is not there or cannot be read.
struct GrubTexts {
  std::optional<std::string> config;       ///< grub.cfg
  std::optional<std::string> environment;  ///< grubenv
};

/// Those of GRUB in a boot folder (/grub, /grub2); with `vendor`, what is missing there is taken from the ESP, where
/// some distributions have it (read_vendor_file()).
[[nodiscard]] GrubTexts read_grub_texts(disk::GuestDisk& disk, const BootFolder& boot, bool vendor);

}  // namespace vhdboot::entry
