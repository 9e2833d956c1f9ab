// SPDX-License-Identifier: GPL-2.0-or-later
// Where and how the guest finds the host volume: `host-mount PATH [ro|rw] [OPTIONS]`, in a configuration and in the
// handoff.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::record {

/// The host device (init/blocks/host_device.h): its name in device-mapper, and what the guest may call it.
inline constexpr std::string_view kHostDeviceName = "vhdboot-host";
inline constexpr std::string_view kHostDevicePath = "/dev/vhdboot/host";

inline constexpr std::size_t kMaxHostMountBytes = 512;

struct HostMount {
  std::string path;  ///< absolute, normalised, never "/"; fit for the text of a unit
  bool read_only = true;
  std::string options;  ///< for the driver, "uid=1000,umask=022"; may be empty

  friend bool operator==(const HostMount&, const HostMount&) = default;
};

/// Invalid for a path that is not absolute, "/", below /dev, /proc or /sys, or has blanks, quotes, '%', '$' or '\', or
/// is too long for a unit's name; for options that are not `name` or `name=value` of letters, digits and -_.+:/@, or
/// that another key or nobody may say: ro, rw, force, remount and the like.
[[nodiscard]] Result<HostMount> parse_host_mount(std::string_view text);

/// The name of the systemd unit that mounts on `path`, an absolute and normalised one (systemd.unit(5), "string
/// escaping").
[[nodiscard]] std::string mount_unit_name(std::string_view path);

/// The other way round: "/disk rw uid=1000".
[[nodiscard]] std::string to_text(const HostMount& mount);

}  // namespace vhdboot::record
