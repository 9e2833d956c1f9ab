// SPDX-License-Identifier: GPL-2.0-or-later
// A value or the Error that prevented it.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "base/error.h"

namespace vhdboot {

template <class T>
using Result = std::expected<T, Error>;

/// `return fail(Code::Corrupt, "bad checksum");`
[[nodiscard]] inline std::unexpected<Error> fail(Code code, std::string text) {
  return std::unexpected(Error{code, 0, std::move(text)});
}

/// `return fail_errno("opening /dev/sda1");` right after the system call that failed.
[[nodiscard]] inline std::unexpected<Error> fail_errno(std::string_view what, int err = errno) {
  return std::unexpected(sys_error(what, err));
}

/// The error of a Result, to be moved into the one that the enclosing function returns: in one step, and as a call.
/// There are a thousand places that do it.
template <class E>
class ErrorOf {
 public:
  explicit ErrorOf(E& error) : error_(error) {}
  template <class T, class F>
  operator std::expected<T, F>() && {  // NOLINT(google-explicit-constructor): that is what it is for
    return std::expected<T, F>(std::unexpect, std::move(error_));
  }

 private:
  E& error_;
};

}  // namespace vhdboot

/// The value of `expr`, a Result; on an error the enclosing function returns that error.
///   auto footer = TRY(read_footer(file));
#define TRY(...)                                                      \
  ({                                                                  \
    auto try_result_ = (__VA_ARGS__);                                 \
    if (!try_result_) return ::vhdboot::ErrorOf(try_result_.error()); \
    *std::move(try_result_);                                          \
  })

/// TRY that adds one clause of context to the error: TRY_IN("reading the footer", read(...)).
#define TRY_IN(context, ...)                                                              \
  ({                                                                                      \
    auto try_result_ = (__VA_ARGS__);                                                     \
    if (!try_result_) return ::vhdboot::ErrorOf(try_result_.error().put_within(context)); \
    *std::move(try_result_);                                                              \
  })
