// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of a guest on this machine, and what about it is not the guest's.
#pragma once

#include <optional>
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

/// By what a guest's command line tells how it was started, for `vhdboot status`. The kernel and systemd pass over
/// options with a dot that they do not know, and /proc/cmdline stays whatever becomes of /run.
struct Start {
  std::string image;     ///< on its volume
  std::string entry;     ///< its id
  std::string efi_file;  ///< on its volume; empty: not known
  std::string version;   ///< of vhdboot

  friend bool operator==(const Start&, const Start&) = default;
};

/// Where the line gets too long, or a value cannot be written, it is left out: nothing depends on it. What an earlier
/// boot has told, and a program of the guest has made the entry's, is gone.
void tell_start(kexec::CommandLine& line, const Start& start);

/// What tell_start() wrote; nothing when no image is told.
[[nodiscard]] std::optional<Start> read_start(const kexec::CommandLine& line);

}  // namespace vhdboot::guest
