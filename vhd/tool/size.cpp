// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhd/tool/size.h"

#include <limits>

#include "base/text.h"

namespace vhdboot::tool {

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "kmgt";
  unsigned shift = 0;
  if (!text.empty()) {
    const auto unit = kUnits.find(to_lower_ascii(text.substr(text.size() - 1)));
    if (unit != std::string_view::npos) {
      shift = static_cast<unsigned>(unit + 1) * 10;
      text.remove_suffix(1);
    }
  }
  const auto number = parse_u64(text);
  if (!number || *number > std::numeric_limits<std::uint64_t>::max() >> shift) return std::nullopt;
  return *number << shift;
}

}  // namespace vhdboot::tool
