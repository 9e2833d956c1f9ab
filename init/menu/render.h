// SPDX-License-Identifier: GPL-2.0-or-later
// Where what the menu says stands on a screen.
#pragma once

#include "init/menu/frame.h"
#include "init/menu/screen.h"
#include "init/menu/state.h"

namespace vhdboot::menu {

/// The page that shows. The cursor is at the first character of the selected line, or where typed text goes: braille
/// displays and screen readers follow it. Nothing is cut without a '>'; what is cut is whole on page Details.
[[nodiscard]] Frame render(const State& state, const Screen& screen);

}  // namespace vhdboot::menu
