// SPDX-License-Identifier: GPL-2.0-or-later
// The menu by ear: it sounds as often as the number of the selected line says, as systemd-boot does.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "init/menu/state.h"

namespace vhdboot::menu {

/// The number that is typed for the selected line, of the list or of the kernels: 1 and above; 0 on pages without one.
[[nodiscard]] std::size_t selected_number(const State& state);

/// Which sounds are still to be made.
class Beeps {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Between the beginnings of two sounds. The kernel's lasts 125 ms, and one that begins sooner makes it longer.
  static constexpr std::chrono::milliseconds kInterval{300};

  /// What shows now. Another number is sounded from its beginning, and what was left of the one before is not. The
  /// first time it is one sound at least: the menu waits.
  void look(const State& state, Time now);

  /// Whether a sound is to be made now; it counts as made then.
  [[nodiscard]] bool due(Time now);

  /// How long it is until the next one, 0 when it is late; nothing when there is none.
  [[nodiscard]] std::optional<std::chrono::milliseconds> wait(Time now) const;

 private:
  std::optional<std::size_t> number_;  // that was sounded last; nothing before the first look
  std::size_t left_ = 0;
  Time next_;
};

}  // namespace vhdboot::menu
