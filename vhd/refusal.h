// SPDX-License-Identifier: GPL-2.0-or-later
// Why a tool left a file alone: a word for programs beside the error.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace vhdboot::vhd {

enum class Reason {
  Failed,       ///< a file is not there, or the system reported an error
  WrongSize,    ///< empty, or not a multiple of 512 bytes
  TooLarge,     ///< above what a VHD can hold
  OtherFormat,  ///< dynamic VHD, VHDX, qcow2 ...
  Damaged,      ///< a footer or partition table that contradicts itself
  NotRegular,   ///< a device, folder, pipe ...
  ReadOnly,     ///< it may not be written
  InUse,        ///< a loop device or another program has it
  NoRoom,       ///< the file system is full, or cannot hold so large a file
};

/// A word for programs: "wrong-size".
[[nodiscard]] std::string_view name(Reason reason);

struct Refusal {
  Reason reason = Reason::Failed;
  Error error;

  Refusal(Reason r, Error e) : reason(r), error(std::move(e)) {}
  /// The reason follows from the error's code and errno. Implicit, so that TRY carries a Result's error on.
  Refusal(Error e);  // NOLINT(google-explicit-constructor)
};

template <class T>
using Attempt = std::expected<T, Refusal>;

/// `return refuse(Reason::TooLarge, "...");` The error's code follows from the reason.
[[nodiscard]] std::unexpected<Refusal> refuse(Reason reason, std::string text);

}  // namespace vhdboot::vhd
