// SPDX-License-Identifier: GPL-2.0-or-later
// Letters in upper and lower case, of ASCII alone. Freestanding: the EFI stub compares names of files with it.
#pragma once

#include <cstddef>
#include <string_view>

namespace vhdboot {

[[nodiscard]] constexpr char to_lower_ascii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] constexpr char to_upper_ascii(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

[[nodiscard]] constexpr bool ends_with_ignoring_ascii_case(std::string_view text, std::string_view end) {
  if (text.size() < end.size()) return false;
  text.remove_prefix(text.size() - end.size());
  for (std::size_t i = 0; i < end.size(); ++i)
    if (to_lower_ascii(text[i]) != to_lower_ascii(end[i])) return false;
  return true;
}

[[nodiscard]] constexpr bool equals_ignoring_ascii_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ends_with_ignoring_ascii_case(a, b);
}

}  // namespace vhdboot
