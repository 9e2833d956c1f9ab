// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/run_files.h"

#include <algorithm>

namespace vhdboot::guest {

std::string filled(std::string_view text, std::span<const Value> values) {
  std::string out;
  for (;;) {
    const auto at = text.find('@');
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at);
    const auto value = std::ranges::find_if(values, [&](const Value& one) { return text.starts_with(one.key); });
    out += value == values.end() ? text.substr(0, 1) : value->text;
    text.remove_prefix(value == values.end() ? 1 : value->key.size());
  }
}

std::vector<GuestFile> run_sections(std::string_view text) {
  constexpr std::string_view kBegin = "=== ";
  std::vector<GuestFile> sections;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::string_view whole = text.substr(0, line.size() + 1);
    if (line.starts_with(kBegin))
      sections.push_back({.name = std::string(line.substr(kBegin.size())), .text = {}});
    else if (!sections.empty())
      sections.back().text += whole;
    text.remove_prefix(whole.size());
  }
  return sections;
}

std::vector<GuestFile> run_files(std::string_view text, std::span<const Value> values) {
  std::vector<GuestFile> files;
  for (const GuestFile& section : run_sections(text)) {
    const auto asks_in_vain = [&](const Value& value) {
      return value.text.empty() && (section.name.contains(value.key) || section.text.contains(value.key));
    };
    if (std::ranges::any_of(values, asks_in_vain)) continue;
    files.push_back({.name = filled(section.name, values), .text = filled(section.text, values)});
  }
  return files;
}

}  // namespace vhdboot::guest
