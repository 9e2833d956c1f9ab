// SPDX-License-Identifier: GPL-2.0-or-later
// Foreign text within a message.
#pragma once

#include <string>
#include <string_view>

#include "base/text.h"

namespace vhdboot {

/// `text` in double quotes, fit for a terminal and cut to a length that leaves a message readable.
[[nodiscard]] inline std::string quoted(std::string_view text) {
  constexpr std::size_t kMost = 80;
  const bool cut = text.size() > kMost;
  return concat('"', printable(text.substr(0, kMost)), cut ? "..." : "", '"');
}

/// Whether `text` can stand on one line of a record: not empty, no control characters.
[[nodiscard]] inline bool fits_line(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  return true;
}

}  // namespace vhdboot
