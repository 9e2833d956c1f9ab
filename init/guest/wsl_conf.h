// SPDX-License-Identifier: GPL-2.0-or-later
// What a distribution of WSL says of itself: /etc/wsl.conf, and who logs in to it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vhdboot::guest {

inline constexpr std::size_t kMaxWslConfBytes = 64 * 1024;
inline constexpr std::size_t kMaxAccountsBytes = 1024 * 1024;  ///< of /etc/passwd, and of /etc/shadow

/// The value of `key` in `[section]` of a wsl.conf (learn.microsoft.com/windows/wsl/wsl-config): the last one counts,
/// names compare without regard to case, quotes around a value are not part of it. Corrupt beyond the cap.
[[nodiscard]] Result<std::optional<std::string>> wsl_setting(std::string_view text, std::string_view section,
                                                             std::string_view key);

/// Whom WSL logs in: `configured` if there is such an account; else the first of a person, with a user id from 1000 on;
/// else root. Only a name that useradd(8) would take.
[[nodiscard]] std::string usual_user(std::string_view passwd, std::string_view configured);

/// Whether that account has a password that could be typed, or an empty one (shadow(5)).
[[nodiscard]] bool has_password(std::string_view shadow, std::string_view user);

}  // namespace vhdboot::guest
