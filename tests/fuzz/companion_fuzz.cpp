// SPDX-License-Identifier: GPL-2.0-or-later
// The first line is a path and an entry pattern; the others are names of files, and IDs of profiles.
#include <algorithm>
#include <span>

#include "base/text.h"
#include "entry/companion.h"
#include "entry/profile.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vhdboot;
  using namespace vhdboot::entry;
  const auto lines = split_lines({reinterpret_cast<const char*>(data), size});
  if (lines.empty() || lines.size() > 300) return 0;

  const std::string folder = extra_folder(lines[0]);
  check(folder.ends_with(".extra.d") && folder.size() <= lines[0].size() + 8);

  std::vector<std::string> names;
  std::vector<Profile> profiles;
  for (const auto line : std::span(lines).subspan(1)) {
    names.emplace_back(line);
    profiles.push_back({std::string(line), ""});
  }
  for (const auto place : {CompanionFolder::Extra, CompanionFolder::Addons, CompanionFolder::Credentials}) {
    const auto chosen = select_companions(place, names);
    if (!chosen) {
      check(names.size() > kMaxCompanions);
      continue;
    }
    check(std::ranges::is_sorted(chosen->names));
    check(chosen->names.size() + chosen->warnings.size() <= names.size());
    for (const auto& name : chosen->names) {
      check(companion_kind(place, name).has_value());
      check(name.size() <= kMaxCompanionName && name.find('/') == std::string::npos);
    }
  }

  const auto pattern = split_entry_pattern(lines[0]);
  check((pattern.profile ? concat(pattern.name, '@', *pattern.profile) : std::string(pattern.name)) == lines[0]);
  const auto wanted = pattern.profile.value_or("");
  if (const auto found = find_profile(profiles, wanted); found) {
    check(*found < std::max<std::size_t>(profiles.size(), 1));
    check(parse_u64(wanted) == *found || equals_ignoring_ascii_case(profiles[*found].id, wanted));
  }
  return 0;
}
