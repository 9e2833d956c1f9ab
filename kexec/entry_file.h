// SPDX-License-Identifier: GPL-2.0-or-later
// Boot Loader Specification (UAPI.1), Type #1 entries: text files in /loader/entries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vhdboot::kexec {

/// What one file says; what it does not say is empty.
struct EntryFile {
  std::string title;
  std::string version;  ///< for people and for sorting: often, but not always, the kernel's release
  std::string machine_id;
  std::string sort_key;
  std::string kernel;  ///< `linux`, `uki` or `efi`: a path on the same volume
  std::vector<std::string> initrds;
  std::string options;  ///< the lines one after the other

  friend bool operator==(const EntryFile&, const EntryFile&) = default;
};

/// A larger file is no entry.
inline constexpr std::uint64_t kMaxEntryFile = 64 * 1024;

/// Parses the contents of a .conf file. Unknown keys and lines without a value are passed over, as the specification
/// asks.
[[nodiscard]] EntryFile parse_entry_file(std::string_view text);

}  // namespace vhdboot::kexec
