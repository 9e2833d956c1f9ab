// SPDX-License-Identifier: GPL-2.0-or-later
// Patterns as in fnmatch(3) without flags: *, ?, [a-z], [!a-z], \x.
#pragma once

#include <cstdint>
#include <string_view>

namespace vhdboot {

enum class Dashes : std::uint8_t {
  Differ,
  AsUnderscores,  ///< '-' and '_' are the same character outside of brackets, as kmod has it for aliases
};

/// Whether all of `text` matches; a '[' that is never closed stands for itself. No recursion; callers keep both short.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text, Dashes dashes = Dashes::Differ);

}  // namespace vhdboot
