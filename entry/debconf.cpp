// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/debconf.h"

#include "base/text.h"

namespace vhdboot::entry {

std::optional<std::string> debconf_value(std::string_view text, std::string_view question) {
  bool asked = false;  // in this paragraph
  for (const std::string_view line : split_lines(text)) {
    const auto colon = line.find(':');
    if (trim(line).empty()) {
      asked = false;
    } else if (colon != std::string_view::npos) {
      const std::string_view value = trim(line.substr(colon + 1));
      if (line.starts_with("Name:")) asked = value == question;
      if (asked && line.starts_with("Value:")) return value.empty() ? std::nullopt : std::optional<std::string>(value);
    }
  }
  return std::nullopt;
}

}  // namespace vhdboot::entry
