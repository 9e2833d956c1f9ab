// SPDX-License-Identifier: GPL-2.0-or-later
// Why a tool left a file alone. The numbers are the exit statuses that the manual pages document: never change one.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace vhdboot::vhd {

enum class Reason {
  Failed = 1,       ///< a file is not there, or the system reported an error
  Usage = 2,        ///< the command line is wrong
  WrongSize = 3,    ///< empty, or not a multiple of 512 bytes
  TooLarge = 4,     ///< above what a VHD can hold
  OtherFormat = 5,  ///< dynamic VHD, VHDX, qcow2 ...
  Damaged = 6,      ///< a footer or partition table that contradicts itself
  NotRegular = 7,   ///< a device, folder, pipe ...
  ReadOnly = 8,     ///< it may not be written
  InUse = 9,        ///< a loop device or another program has it
  NoRoom = 10,      ///< the file system is full, or cannot hold so large a file
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

/// `return refuse(Reason::TooLarge, "...");`
[[nodiscard]] inline std::unexpected<Refusal> refuse(Reason reason, std::string text) {
  return std::unexpected(Refusal(reason, Error{Code::Invalid, 0, std::move(text)}));
}

}  // namespace vhdboot::vhd
