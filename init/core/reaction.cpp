// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/core/reaction.h"

#include <algorithm>
#include <array>

namespace vhdboot::core {

namespace {

struct Row {
  Code code;
  Reaction reaction;
  int telling;  // the higher, the more it tells a person
};

constexpr std::array kTable{
    Row{Code::NotFound, Reaction::NextCandidate, 0},
    Row{Code::Timeout, Reaction::Menu, 1},
    Row{Code::Io, Reaction::NextCandidate, 2},
    Row{Code::Unsupported, Reaction::NextCandidate, 3},
    Row{Code::Corrupt, Reaction::NextCandidate, 4},
    Row{Code::Busy, Reaction::Menu, 5},
    Row{Code::NoMemory, Reaction::Rescue, 6},
    Row{Code::Invalid, Reaction::Menu, 7},
    // Another candidate might be an older copy of the image on another disk: nobody wants that silently.
    Row{Code::Unsafe, Reaction::Menu, 8},
};

constexpr const Row& row_of(Code code) {
  for (const auto& row : kTable)
    if (row.code == code) return row;
  return kTable.back();
}

}  // namespace

Reaction reaction_to(Code code) {
  return row_of(code).reaction;
}

const Error* most_telling(std::span<const Error> errors) {
  const auto most = std::ranges::max_element(errors, {}, [](const Error& error) { return row_of(error.code).telling; });
  return most == errors.end() ? nullptr : &*most;
}

}  // namespace vhdboot::core
