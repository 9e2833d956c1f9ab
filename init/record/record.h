// SPDX-License-Identifier: GPL-2.0-or-later
// A record that one step leaves for the next: a line `NAME VERSION`, then `key value` lines.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace vhdboot::record {

/// Takes the next line, which must end in LF, off `text`.
[[nodiscard]] std::optional<std::string_view> take_line(std::string_view& text);

/// Takes the first line off `text`. Corrupt when it is not `NAME N`, Unsupported when N is not `version`.
[[nodiscard]] Result<void> take_header(std::string_view& text, std::string_view name, unsigned version);

/// The key and the value, which both must be there, with one blank between.
[[nodiscard]] std::optional<std::pair<std::string_view, std::string_view>> split_line(std::string_view line);

}  // namespace vhdboot::record
