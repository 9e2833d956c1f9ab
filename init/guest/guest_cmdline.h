// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of a guest on this machine, and what about it is not the guest's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "init/guest/root_device.h"
#include "kexec/cmdline.h"

namespace vhdboot::guest {

/// Goes to every guest's command line. A guest that resumed from hibernation would go on writing to where its image lay
/// when it fell asleep, whatever Windows did to the volume meanwhile.
inline constexpr std::string_view kSafetyOptions = "nohibernate";

/// One thing that a boot changes on the command line, for people.
struct LineChange {
  std::string what;  ///< "root=/dev/sda2 becomes root=UUID=..."
  std::string why;   ///< a clause

  friend bool operator==(const LineChange&, const LineChange&) = default;
};

struct GuestCommandLine {
  kexec::CommandLine line;
  std::vector<LineChange> changes;
};

/// `options` are the boot entry's, `configured` the person's. Added are kSafetyOptions and `configured`; every device
/// that is named by its place on another machine is named by content, see map_root() and rename_devices(), whose errors
/// these are. The rdinit= is not here yet, see kexec::make_plan().
[[nodiscard]] Result<GuestCommandLine> guest_command_line(std::string_view options, std::string_view configured,
                                                          const DiskFacts& disk);

}  // namespace vhdboot::guest
