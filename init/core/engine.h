// SPDX-License-Identifier: GPL-2.0-or-later
// The two ways to attach an image.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vhdboot::core {

enum class Engine : std::uint8_t {
  Extents,  ///< device-mapper over the file's extents; the host volume is never mounted
  Loop,     ///< the target kernel mounts the host volume and a loop device takes the file
};

/// "extents" or "loop", as in the configuration and in the handoff.
[[nodiscard]] std::string_view name(Engine engine);
[[nodiscard]] std::optional<Engine> parse_engine(std::string_view text);

}  // namespace vhdboot::core
