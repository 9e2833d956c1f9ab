// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vhdboot/conf_text.h"

#include "base/quoted.h"
#include "base/text.h"
#include "init/record/config.h"

namespace vhdboot::command {
namespace {

// Empty for an empty line and a comment.
std::string_view key_of(std::string_view line) {
  line = trim(line);
  if (line.starts_with('#')) return {};
  return line.substr(0, line.find_first_of(" \t"));
}

std::string with_setting(std::string_view text, const Setting& setting) {
  const std::string own = setting.value ? concat(setting.key, ' ', *setting.value, '\n') : "";
  std::string out;
  bool placed = false;
  for (const std::string_view line : split_lines(text)) {
    if (key_of(line) != setting.key) {
      out += concat(line, '\n');
      continue;
    }
    if (!placed) out += own;
    placed = true;
  }
  return placed ? out : out + own;
}

}  // namespace

Result<Setting> parse_setting(std::string_view word) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return fail(Code::Invalid, concat(quoted(word), " is no KEY=VALUE"));
  Setting setting{.key = std::string(word.substr(0, equals)), .value = std::string(trim(word.substr(equals + 1)))};
  if (setting.value->empty())
    setting.value.reset();
  else if (!fits_line(*setting.value))
    return fail(Code::Invalid, concat(quoted(word), " does not fit on a line"));
  return setting;
}

std::optional<std::string> value_of(std::string_view text, std::string_view key) {
  std::optional<std::string> value;
  for (const std::string_view line : split_lines(text))
    if (!key.empty() && key_of(line) == key) value = trim(trim(line).substr(key.size()));
  return value;
}

Result<std::string> with_settings(std::string_view text, const std::vector<Setting>& settings,
                                  std::string_view file_name) {
  std::string made(text);
  for (const Setting& setting : settings) made = with_setting(made, setting);
  const auto before = record::parse_config(text, file_name);
  const auto parsed = TRY(record::parse_config(made, file_name));
  // What a person has in there already is a warning of the boot, too.
  if (parsed.warnings.size() > (before ? before->warnings.size() : 0))
    return fail(Code::Invalid, parsed.warnings.back());
  TRY(record::check(parsed.config));
  return made;
}

}  // namespace vhdboot::command
