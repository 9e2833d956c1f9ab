// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/record.h"

#include "base/quoted.h"
#include "base/text.h"

namespace vhdboot::record {

std::optional<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::optional<std::pair<std::string_view, std::string_view>> split_line(std::string_view line) {
  const auto blank = line.find(' ');
  if (blank == std::string_view::npos || blank == 0 || blank + 1 == line.size()) return std::nullopt;
  return std::pair{line.substr(0, blank), line.substr(blank + 1)};
}

Result<void> take_header(std::string_view& text, std::string_view name, unsigned version) {
  const auto line = take_line(text);
  const auto words = line ? split_line(*line) : std::nullopt;
  if (!words || words->first != name) return fail(Code::Corrupt, concat("does not begin with ", name));
  const auto found = parse_u64(words->second);
  if (!found) return fail(Code::Corrupt, concat("has no version but ", quoted(words->second)));
  if (*found != version)
    return fail(Code::Unsupported, concat("has version ", *found, ", this program reads version ", version));
  return {};
}

}  // namespace vhdboot::record
