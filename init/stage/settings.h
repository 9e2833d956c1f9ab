// SPDX-License-Identifier: GPL-2.0-or-later
// What this boot was asked to do: where the EFI file came from, its configuration, the load options.
#pragma once

#include "base/result.h"
#include "init/record/config.h"
#include "init/record/origin.h"
#include "init/stage/host_volumes.h"
#include "init/sys/console.h"

namespace vhdboot::stage {

struct Settings {
  record::Origin origin;
  HostVolume* origin_volume = nullptr;  ///< that holds the EFI file; null when it came from elsewhere, such as an ESP
  record::Config config;
};

/// Whether the stub has left its record: not on a system that it did not start.
[[nodiscard]] bool has_origin();

/// Reads the stub's record and the configuration file beside the EFI file. The stub hands that file over when the
/// firmware could read it; on NTFS and exFAT it cannot, and the file is read here, from the volume that the stub was
/// started from. Load options win over the file. Invalid, with file and line, when a value is wrong.
[[nodiscard]] Result<Settings> read_settings(HostVolumes& volumes, const sys::Reporter& report);

}  // namespace vhdboot::stage
