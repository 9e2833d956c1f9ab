// SPDX-License-Identifier: GPL-2.0-or-later
// What a person adds to the boot kernel: files in vhdboot.d/ beside the EFI file. Archives (*.cpio, also .gz, .xz,
// .bz2) are unpacked over its memory, in the order of their names; programs called "early", "before-kexec" and
// "rescue", or the same with .sh, are run at those moments. They may do anything, and so they are for machines without
// Secure Boot.
#pragma once

#include <string_view>

#include "base/result.h"
#include "init/stage/host_volumes.h"
#include "init/stage/settings.h"
#include "init/sys/console.h"

namespace vhdboot::stage {

/// Of one file.
inline constexpr std::uint64_t kMaxAddition = 24 * 1024 * 1024;

enum class Moment : std::uint8_t {
  Early,        ///< before the menu, and before an image is looked for
  BeforeKexec,  ///< when all is loaded
  Rescue,       ///< after an error, before a person is asked
};

/// Takes what is there, the first time that it is called, and runs the program for Moment::Early. What of it fails is a
/// warning. Unsafe when there is such a folder and Secure Boot is enforced.
[[nodiscard]] Result<void> take_additions(const HostVolumes& volumes, const Settings& settings,
                                          const sys::Reporter& report);

/// Runs the program for that moment, if there is one, for at most a minute.
void run_added(Moment moment, const sys::Reporter& report);

}  // namespace vhdboot::stage
