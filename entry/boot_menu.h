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
  /// Of its root=, mount.usr= and the flags of those what is made of something that only GRUB can find out (a variable
  /// that `probe` sets): "root=". Such words are not in `arguments`, and something else must say them.
  std::vector<std::string> in_doubt;
  /// Other words that are not in `arguments` for the same reason, as far as they are known: "resume=".
  std::vector<std::string> left_out;

  friend bool operator==(const MenuEntry&, const MenuEntry&) = default;
};

struct BootMenu {
  std::string file;                ///< that says it, for people: "grub.cfg"
  std::vector<MenuEntry> entries;  ///< in the order of the text, those of submenus behind their submenu
  std::string default_name;        ///< of the variable `default`: an index, title or id, '>' between submenu and entry
  /// Where `blscfg` stands: the menu also has the files of /loader/entries, behind so many entries of its own.
  std::optional<std::size_t> bls_place;
  bool shows_images = false;  ///< `uki`: the menu also has the images of /EFI/Linux
  GrubVariables variables;    ///< as they are at the end
  std::string volume;         ///< as in MenuEntry, at the end: where a file that is no menu leads to
  std::string leads_to;       ///< the path of the file there, as it is written
  std::string unread;         ///< an environment block that it loads and that cannot be read
};

/// Which of the `files` files of /loader/entries `default` names by its place in the menu, or names none of by that
/// it is empty or too large and they come first. Nothing when it is a name, or the place of another entry.
[[nodiscard]] std::optional<std::size_t> started_file(const BootMenu& config, std::size_t files);

/// The entry that `default` names, else the first. Null for an empty menu, and when it is one of the `files` files of
/// /loader/entries, as far as their names are not needed.
[[nodiscard]] const MenuEntry* started_entry(const BootMenu& config, std::size_t files = 0);

/// The same; when that one boots no Linux, the first that does and is not for recovery, if possible. Null when none
/// boots Linux.
[[nodiscard]] const MenuEntry* default_entry(const BootMenu& config, std::size_t files = 0);

/// default_entry(), which may be null, and behind it what GRUB starts when that fails: the places in its variable
/// `fallback`.
[[nodiscard]] std::vector<const MenuEntry*> usual_entries(const BootMenu& config, std::size_t files = 0);

/// Is this an entry for emergencies, by its title, id or arguments?
[[nodiscard]] bool is_recovery(const MenuEntry& entry);

/// "vmlinuz-6.1" of "($root)/boot/vmlinuz-6.1", "/@/boot/vmlinuz-6.1" or "/vmlinuz-6.1".
[[nodiscard]] std::string_view menu_file_name(std::string_view path);

/// The entry with the arguments for the kernel whose file has this name: the default entry when that boots it, else the
/// first one, not for recovery, that boots it, else the default entry: what they say of the root is the same. Null when
/// no entry boots Linux.
[[nodiscard]] const MenuEntry* entry_for(std::string_view kernel_file_name, const BootMenu& config);

}  // namespace vhdboot::entry
