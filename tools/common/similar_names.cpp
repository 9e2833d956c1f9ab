// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/common/similar_names.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace vhdboot::tools {
namespace {

constexpr std::size_t kLongestTypo = 32;

// How many letters must be put in, left out, changed or swapped with their neighbour to make `a` of `b`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      cost[i][j] =
          std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string similar_names(std::string_view word, std::span<const std::string_view> names) {
  std::string close;
  for (const std::string_view name : names) {
    const bool begins = !word.empty() && name.starts_with(word);
    if (!begins && (word.size() > kLongestTypo || distance(word, name) > std::max<std::size_t>(1, name.size() / 2 - 1)))
      continue;
    close += concat(close.empty() ? "" : ", ", name);
  }
  return close;
}

}  // namespace vhdboot::tools
