// SPDX-License-Identifier: GPL-2.0-or-later
// What is left in memory for a guest so that it finds the host device (init/blocks/host_device.h) and mounts it: a rule
// for its udev and, with `host-mount`, units for its systemd.
#pragma once

#include <string>
#include <vector>

#include "init/record/host_mount.h"
#include "init/volume/volume.h"

namespace vhdboot::guest {

/// A file for a folder of the guest's udev or systemd.
struct GuestFile {
  std::string name;
  std::string text;

  friend bool operator==(const GuestFile&, const GuestFile&) = default;
};

/// The rules: nobody looks into it, which would meet the errors where the image lies; it has the name kHostDevicePath
/// and no other and is hidden from what mounts by itself; a unit that names it finds it ready.
[[nodiscard]] std::vector<GuestFile> host_device_rules();

/// The units; the first one is wanted by local-fs.target. The boot goes on when they fail.
[[nodiscard]] std::vector<GuestFile> host_mount_units(const record::HostMount& mount, volume::Kind kind);

}  // namespace vhdboot::guest
