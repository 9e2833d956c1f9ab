// SPDX-License-Identifier: GPL-2.0-or-later
// What it takes to have an image in a boot menu, and to have it there no more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/vhdboot/boot_file.h"
#include "tools/vhdboot/change_plan.h"
#include "tools/vhdboot/conf_text.h"
#include "tools/vhdboot/running_system.h"

namespace vhdboot::command {

enum class BootMenuKind : std::uint8_t { Ventoy, Grub, SystemdBoot, Refind, Firmware, None };

/// "systemd-boot"
[[nodiscard]] std::string_view word(BootMenuKind menu);
/// Invalid, with all of them.
[[nodiscard]] Result<BootMenuKind> parse_boot_menu(std::string_view text);

struct InstallRequest {
  std::string image;                 ///< absolute, without links
  std::optional<BootMenuKind> menu;  ///< nothing: the one that this machine seems to have
  std::string esp;                   ///< where the ESP is mounted; empty: it is looked for
  std::string title;                 ///< in the menu; empty: the image's name
  std::string name;                  ///< of the EFI file; empty: the image's
  std::vector<Setting> settings;     ///< of the configuration
};

/// Changes nothing. Unsupported for an image that is on no NTFS or exFAT volume and for a menu that is not there, Busy
/// where a file of somebody else's is in the way.
[[nodiscard]] Result<Plan> plan_install(const Changer& changer, const RunningSystem& system,
                                        const InstallRequest& request, const BootFileSource& source);

/// Takes the EFI file, its configuration and what leads to it out of all menus. Never the image.
[[nodiscard]] Result<Plan> plan_uninstall(const Changer& changer, const RunningSystem& system,
                                          const std::vector<InstalledFile>& files);

/// The files with the version of `source`.
[[nodiscard]] Result<Plan> plan_upgrade(const Changer& changer, const RunningSystem& system,
                                        const std::vector<InstalledFile>& files, const BootFileSource& source);

}  // namespace vhdboot::command
