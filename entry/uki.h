// SPDX-License-Identifier: GPL-2.0-or-later
// A unified kernel image (UAPI.5): which sections there are, in the profile that is to be booted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_source.h"
#include "base/range.h"
#include "base/result.h"
#include "entry/pe.h"

namespace vhdboot::entry {

/// What the `.profile` section says: ID= and TITLE= in the syntax of os-release; either may be empty.
struct Profile {
  std::string id;
  std::string title;
};

struct Uki {
  Range kernel;                ///< `.linux`, the only section that must exist
  std::optional<Range> ucode;  ///< microcode archive, to be placed before every other initrd
  std::optional<Range> initrd;
  std::optional<Range> pcrsig;               ///< not used here: to be handed on to the guest
  std::optional<Range> pcrpkey;              ///< as pcrsig
  std::optional<Range> osrel_section;        ///< `.osrel` as it is, to be handed on
  std::optional<Range> profile;              ///< `.profile` of the chosen profile, to be handed on
  std::optional<std::string> cmdline;        ///< nothing when the image has no `.cmdline`; see clean_cmdline()
  std::string osrel;                         ///< contents of os-release, empty when absent
  std::string uname;                         ///< kernel release, empty when absent
  std::optional<std::string> uname_section;  ///< the same up to its first NUL, blanks kept: see parse_addon()
  bool devicetree = false;                   ///< there is a `.dtb` or `.dtbauto`, which means nothing on x86
  std::vector<Profile> profiles;             ///< all of them in order; empty for an image without `.profile`
};

/// Caps on the text sections: what is larger is refused as Corrupt.
inline constexpr std::uint64_t kMaxTextSection = 64 * 1024;

/// The text of `section` up to its first NUL. Corrupt when it has more than kMaxTextSection bytes.
[[nodiscard]] Result<std::string> read_text(const ByteSource& file, const Section& section);

/// Parses `file` and resolves profile number `profile` (0 is the default one, "@0"): sections before the first
/// `.profile` are the base, those behind the chosen one override it.
/// NotFound: no `.linux`, or no such profile. Otherwise as parse_pe().
[[nodiscard]] Result<Uki> parse_uki(const ByteSource& file, unsigned profile = 0);

/// The text of a `.cmdline` section as systemd-stub passes it on: cut at the first NUL, blanks and control characters
/// at both ends removed, control characters inside turned into spaces.
[[nodiscard]] std::string clean_cmdline(std::string_view section);

/// The value of `key` in a text with the syntax of os-release(5) (KEY=value, single or double quotes, backslash
/// escapes, # comments); the last assignment wins; nothing when there is none.
[[nodiscard]] std::optional<std::string> osrel_value(std::string_view osrel, std::string_view key);

}  // namespace vhdboot::entry
