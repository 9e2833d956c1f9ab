// SPDX-License-Identifier: GPL-2.0-or-later
// What somebody may have meant by a word with a slip of the finger in it.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace vhdboot::tools {

/// Those of `names` that begin with `word` or are close to it, with ", " between; empty when there is none.
[[nodiscard]] std::string similar_names(std::string_view word, std::span<const std::string_view> names);

}  // namespace vhdboot::tools
