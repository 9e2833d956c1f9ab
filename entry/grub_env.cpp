// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/grub_env.h"

#include <algorithm>

#include "base/text.h"
#include "entry/grub_words.h"

namespace vhdboot::entry {

namespace {

constexpr std::string_view kSignature = "# GRUB Environment Block\n";

// The value at the front of `rest`, up to its line's end, which is taken as well; '\' takes the next byte as it is.
std::string take_value(std::string_view& rest) {
  std::string value;
  while (!rest.empty()) {
    char c = rest.front();
    rest.remove_prefix(1);
    if (c == '\n') break;
    if (c == '\\' && !rest.empty()) {
      c = rest.front();
      rest.remove_prefix(1);
    }
    value += c;
  }
  return value;
}

}  // namespace

Result<GrubVariables> parse_grub_environment(std::string_view text) {
  if (text.size() > kMaxGrubEnvironment)
    return fail(Code::Corrupt, concat("a file of ", text.size(), " bytes is no GRUB environment block"));
  if (!text.starts_with(kSignature)) return fail(Code::Corrupt, "it does not begin with \"# GRUB Environment Block\"");
  text.remove_prefix(kSignature.size());
  GrubVariables variables;
  while (!text.empty()) {
    const std::size_t line_end = std::min(text.find('\n'), text.size());
    const std::size_t equals = text.find('=');
    if (text.front() == '#' || equals == 0 || equals == std::string_view::npos || equals > line_end) {
      text.remove_prefix(std::min(line_end + 1, text.size()));
      continue;
    }
    std::string name(text.substr(0, equals));
    text.remove_prefix(equals + 1);
    variables.insert_or_assign(std::move(name), take_value(text));
  }
  return variables;
}

Result<std::string> GrubSubstitution::replace(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() == '$') {
      if (const auto name = take_grub_variable(text)) {
        const auto found = variables_.find(*name);
        if (found == variables_.end()) {
          unknown_.emplace(*name);
          continue;
        }
        if (found->second.size() > left_)
          return fail(Code::Unsupported, concat("GRUB's variables put more than ", kMaxGrubSubstitution,
                                                " bytes into it: shorten what grubenv says"));
        left_ -= found->second.size();
        out += found->second;
        continue;
      }
    }
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace vhdboot::entry
