// SPDX-License-Identifier: GPL-2.0-or-later
// The menu without cursor movement: for a terminal of which nothing is known, for scripts, for who reads line by line.
// It offers all that the screen offers.
//
//   print render_plain(state) at first, and after each line and each change of the items;
//   feed whole lines, without their ends, to update_plain()
#pragma once

#include <string>
#include <string_view>

#include "init/menu/state.h"
#include "init/menu/update.h"

namespace vhdboot::menu {

/// The page that shows, whole, in lines that end with LF, and the prompt. No line is broken or cut.
[[nodiscard]] std::string render_plain(const State& state);

/// What a line does: a number starts that item or entry; a letter is its key, with a number for that item ("i 2"); b
/// goes back; "/text" finds; an empty line is Enter. On page Edit the line is the new options, an empty one keeps them,
/// "+ text" adds to them, "." goes back.
[[nodiscard]] Step update_plain(State state, std::string_view line);

}  // namespace vhdboot::menu
