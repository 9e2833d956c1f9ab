// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/record/origin.h"

#include "base/quoted.h"
#include "base/text.h"
#include "disk/selector.h"
#include "init/record/record.h"
#include "init/volume/path.h"

namespace vhdboot::record {

namespace {

std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line)
    if (!fits_line({&c, 1})) c = ' ';
  return line;
}

/// False when `value` is none for `key`.
bool take(Origin& origin, std::string_view key, std::string_view value) {
  if (key == "partuuid" && !origin.partuuid && disk::is_partuuid(value))
    origin.partuuid = to_lower_ascii(value);
  else if (key == "serial" && !origin.serial && disk::is_serial(value))
    origin.serial = to_upper_ascii(value);
  else if (key == "options" && origin.options.empty())
    origin.options = trim(one_line(value));
  else if (key == "menu" && value == "yes")
    origin.menu = true;
  else if (key == "one-shot" && origin.one_shot.empty() && !trim(one_line(value)).empty())
    origin.one_shot = one_line(value);
  else if (key == "path" && !origin.path) {
    const auto path = volume::parse_path(value);
    if (!path || path->is_root()) return false;
    origin.path = path->text();
  } else
    return false;
  return true;
}

}  // namespace

ParsedOrigin parse_origin(std::string_view text) {
  ParsedOrigin parsed;
  if (text.size() > kMaxOriginBytes) {
    parsed.warnings.push_back(concat("the origin record is larger than ", human_size(kMaxOriginBytes), ": not read"));
    return parsed;
  }
  for (const auto line : split_lines(text)) {
    if (line.empty()) continue;
    // One blank between key and value: a name may begin or end with more of them.
    const auto words = split_line(line);
    constexpr std::size_t kMostWarnings = 16;
    if (!(words && take(parsed.origin, words->first, words->second)) && parsed.warnings.size() < kMostWarnings)
      parsed.warnings.push_back(concat("the origin record has no use for ", quoted(line)));
  }
  return parsed;
}

std::string to_text(const Origin& origin) {
  std::string text;
  const auto line = [&text](std::string_view key, std::string_view value) {
    if (const auto clean = one_line(value); !trim(clean).empty()) text += concat(key, ' ', clean, '\n');
  };
  line("partuuid", origin.partuuid.value_or(""));
  line("serial", origin.serial.value_or(""));
  line("path", origin.path.value_or(""));
  line("options", origin.options);
  line("menu", origin.menu ? "yes" : "");
  line("one-shot", origin.one_shot);
  return text;
}

}  // namespace vhdboot::record
