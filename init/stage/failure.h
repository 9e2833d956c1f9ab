// SPDX-License-Identifier: GPL-2.0-or-later
// A boot that did not come about: what a person has to know of it, on a page that can be photographed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "init/menu/state.h"
#include "init/record/config.h"

namespace vhdboot::stage {

struct Failure {
  Error error;
  std::string written;                   ///< what is true of the disks now, in whole sentences
  std::vector<menu::Fact> facts;         ///< what was known by then, in the order in which it was found
  std::optional<record::Config> config;  ///< with which it was tried: of an image that was chosen in the menu
};

/// Its page of the menu: with the facts of this machine, and what helps as far as the kind of error tells.
[[nodiscard]] menu::Failure page_of(const Failure& failure);

}  // namespace vhdboot::stage
