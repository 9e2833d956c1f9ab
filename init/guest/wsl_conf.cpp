// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/guest/wsl_conf.h"

#include <algorithm>

#include "base/text.h"

namespace vhdboot::guest {
namespace {

constexpr std::uint64_t kFirstPerson = 1000;
constexpr std::uint64_t kLastPerson = 60000;  // login.defs(5)

bool is_user_name(std::string_view name) {
  constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  constexpr std::string_view kOthers = "0123456789-.";
  constexpr std::size_t kMost = 32;
  return !name.empty() && name.size() <= kMost && kFirst.contains(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return kFirst.contains(c) || kOthers.contains(c); });
}

std::string_view without_quotes(std::string_view value) {
  const bool quoted =
      value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\'');
  return quoted ? value.substr(1, value.size() - 2) : value;
}

}  // namespace

Result<std::optional<std::string>> wsl_setting(std::string_view text, std::string_view section, std::string_view key) {
  if (text.size() > kMaxWslConfBytes)
    return fail(Code::Corrupt,
                concat("a file of ", text.size(), " bytes is no wsl.conf (at most ", kMaxWslConfBytes, ")"));
  const auto is = [](std::string_view one, std::string_view other) {
    return to_lower_ascii(trim(one)) == to_lower_ascii(other);
  };
  std::optional<std::string> found;
  bool in_section = false;
  for (const std::string_view raw : split_lines(text)) {
    const std::string_view line = trim(raw);
    if (line.starts_with('[')) {
      in_section = line.ends_with(']') && is(line.substr(1, line.size() - 2), section);
      continue;
    }
    const auto equals = line.find('=');
    if (!in_section || line.starts_with('#') || equals == std::string_view::npos) continue;
    if (is(line.substr(0, equals), key)) found = without_quotes(trim(line.substr(equals + 1)));
  }
  return found;
}

std::string usual_user(std::string_view passwd, std::string_view configured) {
  std::string_view person = "root";
  std::uint64_t lowest = kLastPerson + 1;
  for (const std::string_view line : split_lines(passwd)) {
    const auto fields = split(line, ':');
    if (fields.size() < 3 || !is_user_name(fields[0])) continue;
    if (fields[0] == configured) return std::string(configured);
    const auto id = parse_u64(fields[2]);
    if (!id || *id < kFirstPerson || *id >= lowest) continue;
    lowest = *id;
    person = fields[0];
  }
  return std::string(person);
}

bool has_password(std::string_view shadow, std::string_view user) {
  for (const std::string_view line : split_lines(shadow)) {
    const auto fields = split(line, ':');
    if (fields.size() >= 2 && fields[0] == user) return !fields[1].starts_with('!') && !fields[1].starts_with('*');
  }
  return false;
}

}  // namespace vhdboot::guest
