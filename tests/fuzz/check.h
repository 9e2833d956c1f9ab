// SPDX-License-Identifier: GPL-2.0-or-later
// What a fuzz target asks of the code that it feeds.
#pragma once

#include <cstdlib>

/// Ends the program when it does not hold, which libFuzzer reports with the input.
inline void check(bool holds) {
  if (!holds) std::abort();
}
