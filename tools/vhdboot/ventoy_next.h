// SPDX-License-Identifier: GPL-2.0-or-later
// Ventoy's default in its configuration, as the next best of what it has not: a request for one start. It holds at
// every start until it is taken away.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/vhdboot/running_system.h"

namespace vhdboot::command {

/// A mounted volume that Ventoy looks for images on, known by its folder /ventoy.
struct VentoyVolume {
  tools::MountedVolume mount;
  std::string json;  ///< the text of /ventoy/ventoy.json; empty: there is none

  [[nodiscard]] std::string json_path() const;
};

[[nodiscard]] std::vector<VentoyVolume> read_ventoy_volumes(const RunningSystem& system);

/// What on one of those volumes `path` is, a file's path in this system: "/iso/debian.iso". NotFound when it is on none
/// of them or not there; Unsupported when Ventoy's menu cannot start it so.
struct VentoyImage {
  const VentoyVolume* volume = nullptr;  ///< of those given
  std::string path;                      ///< on the volume
};
[[nodiscard]] Result<VentoyImage> find_ventoy_image(const RunningSystem& system,
                                                    const std::vector<VentoyVolume>& volumes, std::string_view path);

/// Writes its ventoy.json with `image` as the default, or without what was set so when it is empty; durable when it
/// returns.
[[nodiscard]] Result<void> write_ventoy_default(const RunningSystem& system, const std::string& json_path,
                                                const std::string& image);

}  // namespace vhdboot::command
