// SPDX-License-Identifier: GPL-2.0-or-later
// What a failure leads to: one table for every step of a boot.
#pragma once

#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include "base/result.h"

namespace vhdboot::stage {

enum class Step : std::uint8_t {
  Settings,  ///< reading what is to be booted
  Look,      ///< is the image in this place?
  Image,     ///< the image that was found, and the volume that it lies on
  Attach,    ///< making it a disk
  Entry,     ///< one of the guest's boot entries: opening, planning and loading it
  Jump,      ///< executing what was loaded
};

enum class Next : std::uint8_t {
  Candidate,  ///< the next place or entry, if there is one
  Menu,       ///< a person decides
};

/// What is unsafe, or failed for a reason that may hide worse (a disk with errors), is never passed over for another
/// candidate.
[[nodiscard]] Next after(Step step, Code code);

/// Tries `candidates` in order until one works, or fails in a way that ends the search. `attempt` makes a Result of a
/// candidate. When none works the error is that of the first one. NotFound for no candidates.
template <class Candidates, class Attempt>
[[nodiscard]] auto try_each(Step step, const Candidates& candidates, Attempt attempt)
    -> decltype(attempt(*std::begin(candidates))) {
  std::optional<Error> first;
  for (const auto& candidate : candidates) {
    auto result = attempt(candidate);
    if (result || after(step, result.error().code) == Next::Menu) return result;
    if (!first) first = std::move(result.error());
  }
  if (first) return std::unexpected(*std::move(first));
  return fail(Code::NotFound, "there is nothing to try");
}

}  // namespace vhdboot::stage
