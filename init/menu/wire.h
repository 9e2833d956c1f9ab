// SPDX-License-Identifier: GPL-2.0-or-later
// What process 1 and the program of the menu tell each other, as bytes. The program runs beside process 1, so that
// nothing of what it shows can end that: an answer is foreign bytes.
#pragma once

#include <cstddef>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/wire.h"
#include "init/menu/state.h"
#include "init/menu/update.h"

namespace vhdboot::menu {

/// Of a message; in front of it on the line its length stands in 32 bits.
inline constexpr std::size_t kMaxMessage = 8 * 1024 * 1024;
/// Bytes of one text; what is longer is cut.
inline constexpr std::size_t kMaxText = 8 * 1024;

/// What process 1 says: the items, the failure and what else of a State is the caller's.
[[nodiscard]] wire::Message encode(const State& state);
/// The rest of the state is as it is at first. Corrupt for what encode() does not make.
[[nodiscard]] Result<State> decode_state(Bytes message);

/// What a person wants, and at which terminal ("/dev/ttyS0") he said so.
struct Answer {
  Action action;
  std::string terminal;

  friend bool operator==(const Answer&, const Answer&) = default;
};

[[nodiscard]] wire::Message encode(const Answer& answer);
[[nodiscard]] Result<Answer> decode_answer(Bytes message);

}  // namespace vhdboot::menu
