// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/progress.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace vhdboot::tools {
namespace {

std::string two_digits(std::uint64_t value) {
  return concat(value < 10 ? "0" : "", value);
}

}  // namespace

unsigned percent(const Progress& progress) {
  if (progress.done >= progress.total) return 100;
  return static_cast<unsigned>(static_cast<double>(progress.done) * 100 / static_cast<double>(progress.total));
}

std::optional<std::uint64_t> seconds_left(const Progress& progress) {
  constexpr double kLongEnough = 1;
  if (progress.done == 0 || progress.done > progress.total || progress.seconds < kLongEnough) return std::nullopt;
  const auto rest = static_cast<double>(progress.total - progress.done);
  return static_cast<std::uint64_t>(std::llround(rest * progress.seconds / static_cast<double>(progress.done)));
}

std::string duration(std::uint64_t seconds) {
  if (seconds >= 3600) return concat(seconds / 3600, " h ", two_digits(seconds / 60 % 60), " min");
  if (seconds >= 60) return concat(seconds / 60, " min ", two_digits(seconds % 60), " s");
  return concat(seconds, " s");
}

std::string progress_line(const Progress& progress) {
  const auto left = seconds_left(progress);
  return concat(percent(progress), " %, ", human_size(progress.done), " of ", human_size(progress.total),
                left && progress.done < progress.total ? concat(", ", duration(*left), " left") : "");
}

std::string progress_bar(const Progress& progress, std::size_t width) {
  constexpr std::size_t kWidestBar = 30;
  constexpr std::size_t kNarrowestBar = 8;
  std::string text = progress_line(progress);
  constexpr std::size_t kFrame = 3;  // "[", "] "
  if (width >= text.size() + kFrame + kNarrowestBar) {
    const std::size_t bar = std::min(kWidestBar, width - text.size() - kFrame);
    const std::size_t full = bar * percent(progress) / 100;
    text = concat("[", std::string(full, '#'), std::string(bar - full, '.'), "] ", text);
  }
  text.resize(width, ' ');
  return text;
}

}  // namespace vhdboot::tools
