// SPDX-License-Identifier: GPL-2.0-or-later
// The one table that says what an error means for the boot.
#pragma once

#include <cstdint>
#include <span>

#include "base/error.h"

namespace vhdboot::core {

enum class Reaction : std::uint8_t {
  NextCandidate,  ///< this disk, volume or file is not it: look at the next one
  Menu,           ///< tell the person and offer to try again, another entry, the shell, reboot
  Rescue,         ///< nothing that the menu offers would help: tell the person and start the rescue shell
};

[[nodiscard]] Reaction reaction_to(Code code);

/// After all candidates failed: the error that tells the person most. That a volume was unsafe says more than that
/// another one was no NTFS. Null for none; the first among equals.
[[nodiscard]] const Error* most_telling(std::span<const Error> errors);

}  // namespace vhdboot::core
