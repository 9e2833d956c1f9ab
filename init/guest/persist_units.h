// SPDX-License-Identifier: GPL-2.0-or-later
// What is left in memory for the systemd of a guest that forgets, so that some of its directories do not: they lie in a
// file system of their own, which is mounted, and bound over those of the guest. A directory that is not there yet
// begins as a copy of the guest's own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "init/guest/host_mount_unit.h"

namespace vhdboot::guest {

/// Where the guest finds the file system.
inline constexpr std::string_view kPersistPlace = "/run/vhdboot/persist";

/// Files for the guest's /run, each named by its path there, in the order in which they are to be left: units, what
/// they run, and what is told at login (issue(5)): that nothing is kept, until they have done their work. `text`: of
/// fs-skeleton/persist; `device`: with the file system, "/dev/loop1"; `paths`: see record::with_persist_paths();
/// `notice`: a line of what is told.
///
/// The units' folder is one that systemd reads before the guest's own (systemd.unit(5)), and by which nobody takes an
/// initrd for one of systemd's (sd_booted(3)): they can be there before the guest's systemd starts.
[[nodiscard]] std::vector<GuestFile> persist_units(std::string_view text, const std::string& device,
                                                   const std::string& paths, const std::string& notice);

}  // namespace vhdboot::guest
