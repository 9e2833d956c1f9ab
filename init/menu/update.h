// SPDX-License-Identifier: GPL-2.0-or-later
// What a key does.
//
//   list      Up, Down and a number choose; Enter boots; Right shows the details and never boots; / finds
//   all       Esc and Left go back one page
//   letters   commands.h
//
// An item that cannot be started is never started: Enter shows its details. Any key stops the countdown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "init/menu/keys.h"
#include "init/menu/screen.h"
#include "init/menu/state.h"

namespace vhdboot::menu {

enum class Mode : std::uint8_t {
  Normal,
  Forget,    ///< nothing that the guest writes is kept; only of items that can
  ReadOnly,  ///< only of items that can
};

/// What to start.
struct Boot {
  std::string item;                    ///< an id; of an item that can be started
  std::optional<std::string> entry;    ///< an id, of that item; none: the one it starts by itself
  std::optional<std::string> options;  ///< in place of all of the entry's own
  Mode mode = Mode::Normal;

  friend bool operator==(const Boot&, const Boot&) = default;
};

/// What the caller is to do now.
struct Action {
  enum class Kind : std::uint8_t {
    None,
    Boot,
    TryAgain,   ///< what failed, once more; only with a failure
    LookAgain,  ///< at all disks
    RollBack,   ///< `item`, as a person has confirmed
    Shell,
    Restart,
    Firmware,  ///< restart into its setup
    PowerOff,
  };
  Kind kind = Kind::None;
  Boot boot;         ///< of Boot
  std::string item;  ///< of RollBack: an id

  friend bool operator==(const Action&, const Action&) = default;
};

struct Step {
  State state;
  Action action;
};

/// The state after a key that was pressed at a screen, and what to do. A CursorReport changes nothing.
[[nodiscard]] Step update(State state, const Key& key, const Screen& screen);

/// What to do when the countdown is at 0, or when no key was pressed for so long that nobody is there: starts the
/// default item when it is ready. None when it is not, and after a failure: then the menu stays.
[[nodiscard]] Action timeout(const State& state);

}  // namespace vhdboot::menu
