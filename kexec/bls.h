// SPDX-License-Identifier: GPL-2.0-or-later
// Boot Loader Specification (UAPI.1): names, order and choice of Type #2 entries (unified kernel images), and the
// version comparison (UAPI.10) that the order rests on.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::kexec {

/// Compares two versions as UAPI.10 defines it ("1.2~rc1" < "1.2" < "1.2^1" < "1.2.1"); the same as
/// `systemd-analyze compare-versions`.
[[nodiscard]] std::strong_ordering compare_versions(std::string_view a, std::string_view b);

/// The boot counter in a file name: "arch+3-1.efi" has 3 tries left and 1 done.
struct BootCount {
  unsigned left = 0;
  unsigned done = 0;
  friend bool operator==(const BootCount&, const BootCount&) = default;
};

struct EntryName {
  std::string id;  ///< the file name without the counter: "arch.efi"
  std::optional<BootCount> count;
};

/// Takes the counter out of a file name; one that is malformed is a part of the name.
[[nodiscard]] EntryName parse_entry_name(std::string_view file_name);

/// One `.efi` file as it was found.
struct UkiFile {
  std::string path;   ///< on its volume, '/' between components: "/EFI/Linux/arch+3.efi"
  std::string osrel;  ///< as in Uki
  std::string uname;  ///< as in Uki
};

struct BootEntry {
  std::string path;
  std::string id;
  std::optional<BootCount> count;
  std::string title;     ///< PRETTY_NAME, else IMAGE_ID, NAME, ID, else the id
  std::string sort_key;  ///< IMAGE_ID, else ID; may be empty
  std::string version;   ///< IMAGE_VERSION, VERSION, VERSION_ID or BUILD_ID, else uname; may be empty
};

/// Is this a file name that the specification makes a Type #2 entry: "*.efi", any case, not hidden?
[[nodiscard]] bool is_entry_name(std::string_view file_name);

/// The entries as a boot menu lists them, the one to boot by default first: entries without tries left go last, then
/// by sort key, then the newest version first, then the newest id first.
[[nodiscard]] std::vector<BootEntry> order_entries(std::vector<UkiFile> files);

/// The entry to boot. `pattern` empty: the first. Otherwise the first in order whose id, id without ".efi", file name
/// or path matches it; '*', '?' and '[...]' as in fnmatch(3), upper and lower case alike as on the ESP.
/// NotFound names what was looked for and what there is.
[[nodiscard]] Result<BootEntry> pick_entry(const std::vector<BootEntry>& ordered, std::string_view pattern);

/// fnmatch(3) without flags, ASCII case ignored; bounded by pattern length times text length.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace vhdboot::kexec
