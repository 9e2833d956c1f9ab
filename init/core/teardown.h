// SPDX-License-Identifier: GPL-2.0-or-later
// The record of what must be undone at shutdown. Stage 2 writes a step for each thing it has done; the exitrd undoes
// them in reverse.
//
// Text: the line `vhdboot-teardown 1`, then `ACTION TARGET` lines in the order in which things were done.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::core {

inline constexpr std::string_view kTeardownPath = "/run/vhdboot/teardown";
inline constexpr std::size_t kMaxTeardownBytes = 64 * 1024;
inline constexpr std::size_t kMaxTeardownSteps = 256;

struct TeardownStep {
  enum class Action : std::uint8_t {
    Unmount,     ///< target: the mount point
    DetachLoop,  ///< target: the number of the loop device
    RemoveDm,    ///< target: the name of the device-mapper device
  };
  Action action = Action::Unmount;
  std::string target;

  friend bool operator==(const TeardownStep&, const TeardownStep&) = default;
};

/// "unmount", "detach-loop", "remove-dm".
[[nodiscard]] std::string_view name(TeardownStep::Action action);

struct Teardown {
  std::vector<TeardownStep> steps;  ///< in the order in which things were done

  /// In the order in which they are undone.
  [[nodiscard]] std::vector<TeardownStep> reversed() const { return {steps.rbegin(), steps.rend()}; }

  friend bool operator==(const Teardown&, const Teardown&) = default;
};

/// Invalid for a target that cannot stand on a line or is none.
[[nodiscard]] Result<std::string> to_text(const Teardown& teardown);

/// Corrupt on any deviation, Unsupported for another version, NoMemory beyond the caps.
[[nodiscard]] Result<Teardown> parse_teardown(std::string_view text);

}  // namespace vhdboot::core
