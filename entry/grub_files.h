// SPDX-License-Identifier: GPL-2.0-or-later
// GRUB's files on the guest disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "disk/guest_disk.h"
#include "entry/boot_menu.h"
#include "entry/folders.h"
#include "entry/grub_env.h"

namespace vhdboot::entry {

/// What they say; nothing of a file that is not there or cannot be read.
struct GrubFiles {
  std::optional<BootMenu> menu;              ///< of grub.cfg
  std::optional<GrubVariables> environment;  ///< of grubenv, whether or not grub.cfg loads it
  /// Why there is no menu although there is a grub.cfg, or what of it is not known.
  std::optional<Error> problem;
};

/// The menu to which the small grub.cfg beside GRUB's program leads.
struct GrubTarget {
  std::string volume;  ///< as MenuEntry::volume; empty: not known
  std::string path;    ///< there: "/boot/grub2/grub.cfg"; empty: not known

  /// It is a grub.cfg of a boot folder, which is found by itself, and not only with what leads to it.
  [[nodiscard]] bool is_usual() const {
    return path.empty() || path.ends_with("/grub/grub.cfg") || path.ends_with("/grub2/grub.cfg");
  }
};

/// Nothing of what those on the guest's ESPs do not agree on.
[[nodiscard]] GrubTarget grub_target(disk::GuestDisk& disk);

/// Below a boot folder: where a grub.cfg counts when it is a menu, or leads to one in an unusual place; as a rule it
/// leads to /grub or /grub2 of a boot folder.
[[nodiscard]] std::vector<std::string> grub_menu_folders(const BootFolder& boot);

/// Those of GRUB in a boot folder (/grub or /grub2, the one that grub_target() names when both have a menu;
/// grub_menu_folders()); with `vendor`, what is missing there is taken from
/// the ESP, where some distributions have it (read_vendor_file()).
[[nodiscard]] GrubFiles read_grub(disk::GuestDisk& disk, const BootFolder& boot, bool vendor);

}  // namespace vhdboot::entry
