// SPDX-License-Identifier: GPL-2.0-or-later
// How far a long operation is, as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace vhdboot::tools {

struct Progress {
  std::uint64_t done = 0;   ///< bytes
  std::uint64_t total = 0;  ///< bytes; 0: nothing to do
  double seconds = 0;       ///< since the beginning
};

/// 0 to 100, rounded down; 100 when there is nothing to do.
[[nodiscard]] unsigned percent(const Progress& progress);

/// Seconds that are left if it goes on as it did; nothing until that can be told.
[[nodiscard]] std::optional<std::uint64_t> seconds_left(const Progress& progress);

/// "1 h 05 min", "3 min 20 s", "7 s".
[[nodiscard]] std::string duration(std::uint64_t seconds);

/// "42 %, 26.8 GiB of 64.0 GiB, 3 min 20 s left": a line for a log.
[[nodiscard]] std::string progress_line(const Progress& progress);

/// The same with a bar in front, exactly `width` columns, to be written over the one before.
[[nodiscard]] std::string progress_bar(const Progress& progress, std::size_t width);

}  // namespace vhdboot::tools
