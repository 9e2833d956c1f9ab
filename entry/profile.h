// SPDX-License-Identifier: GPL-2.0-or-later
// Which profile of a unified kernel image (UAPI.5) a person asks for.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "entry/uki.h"

namespace vhdboot::entry {

/// "debian*.efi@rescue" taken apart. Both parts are borrowed from the text.
struct EntryPattern {
  std::string_view name;                    ///< for pick_entry(); empty: the first entry
  std::optional<std::string_view> profile;  ///< what follows the '@'; nothing when there is none
};

/// As systemd-boot spells it: the file's name, '@', the profile's ID or number ("debian.efi@rescue", "debian.efi@1");
/// "@1" asks for a profile of the first entry. The last '@' counts, and none in a name that ends in ".efi" or is a
/// pattern or path from there on: "mail@home.efi" names a file, "mail@home" a profile.
[[nodiscard]] EntryPattern split_entry_pattern(std::string_view pattern);

/// The number of the profile that `wanted` names, by its number or its ID (ASCII case ignored, as systemd-boot does).
/// An image without profiles has number 0 alone. NotFound lists what there is. Invalid: nothing is named, or more than
/// one profile may be meant.
[[nodiscard]] Result<unsigned> find_profile(const std::vector<Profile>& profiles, std::string_view wanted);

}  // namespace vhdboot::entry
