// SPDX-License-Identifier: GPL-2.0-or-later
// What Debian's packages were answered when they were installed: /var/cache/debconf/config.dat, debconf-devel(7).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace vhdboot::entry {

inline constexpr std::size_t kMaxDebconfBytes = 32 * 1024 * 1024;

/// The value of a question, "grub-pc/install_devices"; nothing when it was not asked or has none. Never fails: other
/// text has no values.
[[nodiscard]] std::optional<std::string> debconf_value(std::string_view text, std::string_view question);

}  // namespace vhdboot::entry
