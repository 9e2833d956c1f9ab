// SPDX-License-Identifier: GPL-2.0-or-later
// Which keys there are on which page: what is offered and what acts is the same table.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "init/menu/state.h"

namespace vhdboot::menu {

enum class Command : std::uint8_t {
  None,  ///< of keys that are no letter
  Help,
  TryAgain,
  ChooseAnother,
  EditOptions,
  OtherKernels,
  Details,
  Find,
  StartForgetting,
  StartReadOnly,
  LookAgain,
  Log,
  Shell,
  Restart,
  Firmware,
  PowerOff,
};

/// A row of the table.
struct Offer {
  std::string_view key;
  std::string_view word;      ///< what a footer says; empty: it is left to the help
  std::string_view sentence;  ///< what the help says
  Command command = Command::None;
};

/// What the page offers now, the most important first.
[[nodiscard]] std::vector<Offer> offers(const State& state, Page page);

/// What the key of a letter (of either case) or a sign means on the page that shows.
[[nodiscard]] Command command_of(const State& state, char32_t character);

}  // namespace vhdboot::menu
