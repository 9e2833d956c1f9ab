// SPDX-License-Identifier: GPL-2.0-or-later
// Module alias patterns: *, ?, [a-z], [!a-z], \x as in fnmatch(3) without flags, where '-' and '_' are the same
// character outside of brackets, as kmod has it.
#pragma once

#include <string_view>

namespace vhdboot {

/// Whether all of `text` matches; a '[' that is never closed stands for itself. No recursion; callers keep both short.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace vhdboot
