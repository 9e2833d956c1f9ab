// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/stage/next_step.h"

#include <algorithm>
#include <array>

namespace vhdboot::stage {
namespace {

struct GoesOn {
  Step step;
  Code code;
  friend constexpr bool operator==(const GoesOn&, const GoesOn&) = default;
};

// Everything else comes to a person.
constexpr std::array kGoesOn{
    GoesOn{Step::Look, Code::NotFound},      // no such file here
    GoesOn{Step::Entry, Code::NotFound},     // left over from a kernel that was removed
    GoesOn{Step::Entry, Code::Corrupt},      // its kernel or image is damaged
    GoesOn{Step::Entry, Code::Unsupported},  // it is for another machine, or needs what that kernel lacks
};

}  // namespace

Next after(Step step, Code code) {
  return std::ranges::find(kGoesOn, GoesOn{step, code}) != kGoesOn.end() ? Next::Candidate : Next::Menu;
}

}  // namespace vhdboot::stage
