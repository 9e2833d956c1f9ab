// SPDX-License-Identifier: GPL-2.0-or-later
// Which keys there are on which page: what is offered and what acts is the same table.
#pragma once

#include <cstdint>
#include <span>

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
  RollBack,
  ConfirmRollBack,
  LookAgain,
  Log,
  Shell,
  Restart,
  Firmware,
  PowerOff,
};

/// A row of the table.
struct Offer {
  const char* key;
  const char* word;      ///< what a footer says; nullptr: it is left to the help
  const char* sentence;  ///< what the help says
  unsigned pages;        ///< a bit for each Page
  Command command = Command::None;
};

/// The whole table, the most important first.
[[nodiscard]] std::span<const Offer> all_offers();

/// Whether a page offers it now.
[[nodiscard]] bool is_offered(const Offer& offer, const State& state, Page page);

/// What the key of a letter (of either case) or a sign means on the page that shows.
[[nodiscard]] Command command_of(const State& state, char32_t character);

}  // namespace vhdboot::menu
