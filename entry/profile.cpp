// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry/profile.h"

#include <algorithm>
#include <string>

#include "base/text.h"

namespace vhdboot::entry {

namespace {

constexpr std::string_view kSuffix = ".efi";

bool is_rest_of_name(std::string_view text) {
  return (text.size() >= kSuffix.size() &&
          equals_ignoring_ascii_case(text.substr(text.size() - kSuffix.size()), kSuffix)) ||
         text.find_first_of("*?[]/\\") != std::string_view::npos;
}

// "0 (main), 1, 2 (rescue)"
std::string list_profiles(const std::vector<Profile>& profiles) {
  std::string out;
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    out += concat(i == 0 ? "" : ", ", i);
    if (!profiles[i].id.empty()) out += concat(" (", printable(profiles[i].id), ')');
  }
  return out;
}

}  // namespace

EntryPattern split_entry_pattern(std::string_view pattern) {
  const std::size_t at = pattern.rfind('@');
  if (at == std::string_view::npos || is_rest_of_name(pattern.substr(at + 1))) return {pattern, std::nullopt};
  return {pattern.substr(0, at), pattern.substr(at + 1)};
}

Result<unsigned> find_profile(const std::vector<Profile>& profiles, std::string_view wanted) {
  if (wanted.empty()) return fail(Code::Invalid, "the entry ends with @: a profile's number or ID belongs behind it");
  const std::size_t count = std::max<std::size_t>(profiles.size(), 1);
  std::vector<unsigned> found;
  const auto number = parse_u64(wanted);
  if (number && *number < count) found.push_back(static_cast<unsigned>(*number));
  for (unsigned i = 0; i < profiles.size(); ++i)
    if (equals_ignoring_ascii_case(profiles[i].id, wanted) && std::ranges::find(found, i) == found.end())
      found.push_back(i);

  if (found.size() == 1) return found.front();
  const std::string name = concat("@", printable(wanted));
  if (profiles.empty()) return fail(Code::NotFound, concat("there is no profile ", name, ": the image has none"));
  if (found.empty())
    return fail(Code::NotFound, concat("there is no profile ", name, ": the image has ", list_profiles(profiles)));
  return fail(Code::Invalid, concat(name, " is more than one profile: the image has ", list_profiles(profiles)));
}

}  // namespace vhdboot::entry
