// SPDX-License-Identifier: GPL-2.0-or-later
// What a grub.cfg would boot: read, never executed. Made for what grub-mkconfig writes; of a file by hand what is
// written in the same way. Of an if the else branch counts, and the other ones as long as nothing else is known.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "entry/grub_env.h"

namespace vhdboot::entry {

inline constexpr std::size_t kMaxGrubConfig = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxGrubEntries = 4096;
inline constexpr std::size_t kMaxGrubCommand = 4096;           ///< words
inline constexpr std::size_t kMaxGrubExpansion = 1024 * 1024;  ///< bytes that variables put into the text

/// A menuentry or a submenu. Paths are as they are written: from the root of the partition that GRUB had selected.
struct GrubEntry {
  std::string title;
  std::string id;                     ///< --id, else empty
  std::optional<std::size_t> parent;  ///< the submenu it stands in, as an index
  bool submenu = false;
  std::string kernel;     ///< empty for what does not boot Linux, or whose path is not known
  std::string arguments;  ///< as GRUB passes them to the kernel
  std::vector<std::string> initrds;
  /// Its root= or rootflags= is made of what only GRUB can find out (a variable that `probe` sets): such words are not
  /// in `arguments`, and something else must say them.
  bool root_in_doubt = false;

  friend bool operator==(const GrubEntry&, const GrubEntry&) = default;
};

struct GrubConfig {
  std::vector<GrubEntry> entries;  ///< in the order of the text, those of submenus behind their submenu
  std::string default_name;        ///< of the variable `default`: an index, title or id, '>' between submenu and entry
  bool uses_bls = false;           ///< `blscfg`: the menu also has the files of /loader/entries
  GrubVariables variables;         ///< as they are at the end
};

/// Reads the text of a grub.cfg. `environment`: what is in grubenv; empty when there is none. Corrupt beyond the caps.
[[nodiscard]] Result<GrubConfig> parse_grub_cfg(std::string_view text, const GrubVariables& environment);

/// The entry that `default` names, else the first; when that one boots no Linux, the first that does and is not for
/// recovery, if possible. Null when none boots Linux.
[[nodiscard]] const GrubEntry* default_entry(const GrubConfig& config);

/// Is this an entry for emergencies, by its title, id or arguments?
[[nodiscard]] bool is_recovery(const GrubEntry& entry);

/// "vmlinuz-6.1" of "($root)/boot/vmlinuz-6.1", "/@/boot/vmlinuz-6.1" or "/vmlinuz-6.1".
[[nodiscard]] std::string_view grub_file_name(std::string_view path);

/// The entry with the arguments for the kernel whose file has this name: the default entry when that boots it, else the
/// first one, not for recovery, that boots it, else the default entry: what they say of the root is the same. Null when
/// no entry boots Linux.
[[nodiscard]] const GrubEntry* entry_for(std::string_view kernel_file_name, const GrubConfig& config);

}  // namespace vhdboot::entry
