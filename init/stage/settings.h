// SPDX-License-Identifier: GPL-2.0-or-later
// What this boot was asked to do: where the EFI file came from, its configuration, the load options.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "init/record/config.h"
#include "init/record/origin.h"
#include "init/stage/host_volumes.h"
#include "init/sys/console.h"

namespace vhdboot::stage {

struct Settings {
  record::Origin origin;
  HostVolume* origin_volume = nullptr;  ///< that holds the EFI file; null when it came from elsewhere, such as an ESP
  bool origin_is_there = false;         ///< it was found where the firmware says that it hangs
  record::Config config;
  std::optional<Error> wrong;  ///< why the configuration is not in `config`: the menu opens all the same

  /// Where the disk of a volume hangs as far as the firmware has said so.
  [[nodiscard]] std::vector<disk::HardwarePath> places_of(const HostVolume* volume) const {
    return volume == origin_volume && origin_is_there ? origin.places : std::vector<disk::HardwarePath>();
  }
};

/// What the stub left in the initramfs.
struct StubRecord {
  record::Origin origin;
  std::optional<std::string> config;  ///< the configuration file, where the firmware could read it
};

/// Whether the stub has left its record: not on a system that it did not start.
[[nodiscard]] bool has_origin();

/// Empty on a system that the stub did not start.
[[nodiscard]] Result<StubRecord> read_stub_record(const sys::Reporter& report);

/// A configuration file as it was read.
struct ConfigText {
  std::string name;  ///< for messages
  std::string text;
};

/// "debian.conf" beside "debian.efi" or "debian.vhd", read from the volume itself; nothing when there is none.
[[nodiscard]] Result<std::optional<ConfigText>> config_beside(HostVolume& volume, const volume::Path& file);

/// Finds the volume that the stub was started from and reads the configuration file beside the EFI file there, unless
/// the stub handed it over: on NTFS and exFAT the firmware cannot read it. Load options win over the file. Invalid,
/// with file and line, when a value is wrong. Unsafe when two volumes have the identity of that one.
[[nodiscard]] Result<Settings> read_settings(HostVolumes& volumes, const StubRecord& stub, const sys::Reporter& report);

}  // namespace vhdboot::stage
