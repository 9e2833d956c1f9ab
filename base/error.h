// SPDX-License-Identifier: GPL-2.0-or-later
// What went wrong, in a form a program can act on (code) and a person can read (text).
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

namespace vhdboot {

/// The kinds of failure.
enum class Code {
  NotFound,     ///< the thing looked for is not there
  Corrupt,      ///< bytes that contradict their format
  Unsupported,  ///< well formed, but nothing we handle
  Unsafe,       ///< could be done, but data would be at risk: never retried with write access
  Io,           ///< the device or file system failed
  Busy,         ///< somebody else holds it
  Timeout,      ///< a deadline passed
  Invalid,      ///< a person's input is wrong
  NoMemory,     ///< would need more memory than there is or than a cap allows
};

[[nodiscard]] std::string_view name(Code code);

struct Error {
  Code code = Code::Invalid;
  int sys_errno = 0;  ///< errno of the failed system call; 0 when none was involved
  std::string text;   ///< lower case, no full stop; the outermost context comes first

  /// The same error with one more clause in front: "reading the footer: unexpected end".
  [[nodiscard]] Error within(std::string_view context) const&;
  [[nodiscard]] Error within(std::string_view context) &&;
  /// This error with it.
  Error& put_within(std::string_view context);

  /// The text and, where a system call failed, what the system said.
  [[nodiscard]] std::string message() const;
};

/// The error of a system call that has just failed: the code follows from `err` (errno by default).
[[nodiscard]] Error sys_error(std::string_view what, int err = errno);

}  // namespace vhdboot
