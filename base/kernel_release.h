// SPDX-License-Identifier: GPL-2.0-or-later
// What `uname -r` prints: "6.1.0-27-amd64".
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/text.h"

namespace vhdboot {

struct KernelRelease {
  std::uint64_t major = 0;
  std::uint64_t minor = 0;

  friend auto operator<=>(const KernelRelease&, const KernelRelease&) = default;
};

/// Nothing for a text that does not begin with two numbers.
[[nodiscard]] inline std::optional<KernelRelease> parse_kernel_release(std::string_view text) {
  const auto parts = split(text.substr(0, text.find_first_not_of("0123456789.")), '.');
  if (parts.size() < 2) return std::nullopt;
  const auto major = parse_u64(parts[0]);
  const auto minor = parse_u64(parts[1]);
  if (!major || !minor) return std::nullopt;
  return KernelRelease{*major, *minor};
}

}  // namespace vhdboot
