// SPDX-License-Identifier: GPL-2.0-or-later
// What a test expects of a failure: its code and a part of its sentence.
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "base/result.h"

namespace vhdboot::test {

/// A Result that failed with `code` and whose text holds `part`.
MATCHER_P2(Fails, code, part, std::string("fails as ") + std::string(name(code)) + " with \"" + part + '"') {
  if (arg) {
    *result_listener << "which succeeded";
    return false;
  }
  *result_listener << "which failed as " << name(arg.error().code) << ": " << arg.error().text;
  return arg.error().code == code && arg.error().text.find(part) != std::string::npos;
}

}  // namespace vhdboot::test
