// SPDX-License-Identifier: GPL-2.0-or-later
// Boot Loader Specification (UAPI.1), Type #1 entries: text files in /loader/entries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "entry/bls.h"
#include "entry/grub_env.h"

namespace vhdboot::entry {

/// What an entry starts.
enum class EntryProgram : std::uint8_t {
  None,
  Linux,  ///< `linux`
  Uki,    ///< `uki`
  Efi,    ///< `efi`: any program
};

/// What one file says; what it does not say is empty.
struct EntryFile {
  std::string title;
  std::string version;  ///< for people and for sorting: often, but not always, the kernel's release
  std::string machine_id;
  std::string sort_key;
  std::string architecture;  ///< as UEFI names it: "x64"
  EntryProgram program = EntryProgram::None;
  std::string kernel;  ///< `linux`, `uki` or `efi`: a path on the same volume
  unsigned profile = 0;
  std::vector<std::string> initrds;
  std::vector<std::string> extras;
  std::string devicetree;  ///< not used here: a PC has none
  std::string options;     ///< the lines one after the other

  friend bool operator==(const EntryFile&, const EntryFile&) = default;
};

/// A larger file is no entry.
inline constexpr std::uint64_t kMaxEntryFile = 64 * 1024;
inline constexpr std::size_t kMaxEntryPaths = 256;  ///< initrds, and as many extras, of an entry

/// Parses the contents of a .conf file. Unknown keys and lines without a value are passed over, as the specification
/// asks.
[[nodiscard]] EntryFile parse_entry_file(std::string_view text);

/// Is this a file name that the specification makes a Type #1 entry: "*.conf", any case, not hidden?
[[nodiscard]] bool is_entry_file_name(std::string_view file_name);

/// Whether a word of its options or initrds is one of GRUB's variables: such an entry is none of systemd-boot's.
[[nodiscard]] bool has_grub_variables(const EntryFile& file);

/// `file` as GRUB's `blscfg` reads it: variables in the options and initrds replaced, and an initrd's line with
/// variables is a list of paths. Errors as GrubSubstitution::replace().
[[nodiscard]] Result<EntryFile> with_grub_variables(EntryFile file, GrubSubstitution& variables);

/// The boot entry that a file is; `path` is the file's own. Paths inside get a '/' in front. Whether the program is an
/// image is as the key says, but for `efi`, which may be anything. Unsupported for another architecture and beyond
/// kMaxEntryPaths; Corrupt when no program is named or a path has "..".
[[nodiscard]] Result<BootEntry> type1_entry(std::string path, EntryFile file);

}  // namespace vhdboot::entry
