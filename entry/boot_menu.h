// SPDX-License-Identifier: GPL-2.0-or-later
// The menu of a boot loader that lists kernels in a file of its own: GRUB (grub.cfg), extlinux. Which entry it would
// start, and what it would give to a kernel.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entry/grub_env.h"

namespace vhdboot::entry {

/// A menuentry or a submenu. Paths are as they are written: from the root of the partition that GRUB had selected.
struct MenuEntry {
  std::string title;
  std::string id;                     ///< --id, else empty
  std::optional<std::size_t> parent;  ///< the submenu it stands in, as an index
  bool submenu = false;
  std::string kernel;     ///< or a unified kernel image; empty for what boots no Linux, or whose path is not known
  std::string arguments;  ///< as GRUB passes them to the kernel
  std::vector<std::string> initrds;
  /// Of the file system on which its files are: UUID, "LABEL=...", or GRUB's "hd0,gpt3"; empty when nothing says it.
  std::string volume;
  /// Its root=, mount.usr= or the flags of those are made of what only GRUB can find out (a variable that `probe`
  /// sets): such words are not in `arguments`, and something else must say them.
  bool root_in_doubt = false;

  friend bool operator==(const MenuEntry&, const MenuEntry&) = default;
};

struct BootMenu {
  std::string file;                ///< that says it, for people: "grub.cfg"
  std::vector<MenuEntry> entries;  ///< in the order of the text, those of submenus behind their submenu
  std::string default_name;        ///< of the variable `default`: an index, title or id, '>' between submenu and entry
  bool uses_bls = false;           ///< `blscfg`: the menu also has the files of /loader/entries
  GrubVariables variables;         ///< as they are at the end
  std::string volume;              ///< as in MenuEntry, at the end: where a file that is no menu leads to
};

/// The entry that `default` names, else the first. Null for an empty menu.
[[nodiscard]] const MenuEntry* started_entry(const BootMenu& config);

/// The same; when that one boots no Linux, the first that does and is not for recovery, if possible. Null when none
/// boots Linux.
[[nodiscard]] const MenuEntry* default_entry(const BootMenu& config);

/// default_entry(), which may be null, and behind it what GRUB starts when that fails: the places in its variable
/// `fallback`.
[[nodiscard]] std::vector<const MenuEntry*> usual_entries(const BootMenu& config);

/// Is this an entry for emergencies, by its title, id or arguments?
[[nodiscard]] bool is_recovery(const MenuEntry& entry);

/// "vmlinuz-6.1" of "($root)/boot/vmlinuz-6.1", "/@/boot/vmlinuz-6.1" or "/vmlinuz-6.1".
[[nodiscard]] std::string_view menu_file_name(std::string_view path);

/// The entry with the arguments for the kernel whose file has this name: the default entry when that boots it, else the
/// first one, not for recovery, that boots it, else the default entry: what they say of the root is the same. Null when
/// no entry boots Linux.
[[nodiscard]] const MenuEntry* entry_for(std::string_view kernel_file_name, const BootMenu& config);

}  // namespace vhdboot::entry
