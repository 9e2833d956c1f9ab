// SPDX-License-Identifier: GPL-2.0-or-later
// Lines of ours in a text file of somebody else's (GRUB's custom.cfg), between two lines that say so.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::command {

inline constexpr std::size_t kMaxMarkedText = 1024 * 1024;

/// `text` with `lines` as the block `name`, in the place of the one that is there or at the end; without it when
/// `lines` is nothing. All else stays as it is. Corrupt when a block has no end, NoMemory beyond the cap.
[[nodiscard]] Result<std::string> with_block(std::string_view text, std::string_view name,
                                             const std::optional<std::string>& lines);

}  // namespace vhdboot::command
