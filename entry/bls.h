// SPDX-License-Identifier: GPL-2.0-or-later
// Boot Loader Specification (UAPI.1): names, order and choice of boot entries, and the version comparison (UAPI.10)
// that the order rests on. Beside Type #1 and Type #2 entries one list also holds the kernels of a /boot folder.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vhdboot::entry {

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

/// Takes the counter out of a file name ("*.efi" or "*.conf"); one that is malformed is a part of the name.
[[nodiscard]] EntryName parse_entry_name(std::string_view file_name);

/// The name that a file gets when it is booted: one try less is left, one more is done, as systemd-boot writes them
/// ("arch+03.conf": "arch+2-1.conf"). Nothing for a file without a counter or without a try left.
[[nodiscard]] std::optional<std::string> next_boot_name(std::string_view file_name);

/// One `.efi` file as it was found.
struct UkiFile {
  std::string path;   ///< on its volume, '/' between components: "/EFI/Linux/arch+3.efi"
  std::string osrel;  ///< as in Uki
  std::string uname;  ///< as in Uki
};

/// What an entry is.
enum class EntryKind : std::uint8_t {
  Uki,     ///< Type #2: a unified kernel image in /EFI/Linux
  Type1,   ///< a file in /loader/entries that names a kernel or an image
  Kernel,  ///< a kernel in /boot
};

/// Whose menu an entry stands in, the preferred one first.
enum class Menu : std::uint8_t {
  Loader,   ///< of the ESP and XBOOTLDR, systemd-boot's: /EFI/Linux and /loader/entries
  Folders,  ///< the same on other partitions and in a /boot, as GRUB's `blscfg` has it
  Kernels,  ///< of kernels in a /boot
  Left,     ///< files of a loader that is not there, beside the menu of another one
};

/// Paths are on the entry's volume, with '/' in front of each component.
struct BootEntry {
  EntryKind kind = EntryKind::Uki;
  Menu menu = Menu::Loader;
  std::string default_by;  ///< what makes it the one to boot, for people: "the default of /loader/loader.conf"
  /// What of its menu would be the one to boot and is not there, or no Linux: "saved_entry of grubenv, \"Windows\"".
  std::string no_default;
  std::string path;  ///< of the file that the entry is
  std::string id;    ///< its name without the counter
  std::optional<BootCount> count;
  std::string title;       ///< of an image PRETTY_NAME, else IMAGE_ID, NAME, ID; without any of it the id
  std::string sort_key;    ///< of an image IMAGE_ID, else ID; may be empty
  std::string version;     ///< of an image IMAGE_VERSION, VERSION, VERSION_ID, BUILD_ID, else uname; may be empty
  std::string machine_id;  ///< Type1 only; may be empty

  // Nothing of this for Uki, whose file has it all.
  std::string kernel;                ///< path of the kernel; with `unified`, of an image
  bool unified = false;              ///< Type1 only: the file has `uki`
  unsigned profile = 0;              ///< of the image
  std::vector<std::string> initrds;  ///< paths in the order to load
  std::vector<std::string> extras;   ///< Type1 only: paths of addons, credentials and extensions
  std::string options;
  std::size_t system = 0;    ///< Kernel only: one number for those of one system
  std::string options_from;  ///< Kernel only: the file that says its options; for people

  friend bool operator==(const BootEntry&, const BootEntry&) = default;
};

/// Is this a file name that the specification makes a Type #2 entry: "*.efi", any case, not hidden?
[[nodiscard]] bool is_entry_name(std::string_view file_name);

/// The entries as a boot menu lists them, the one to boot by default first. Those with `default_by` come first in their
/// menu, and kernels in their system; entries without tries left go last, but for such. Then by menu. In one menu those
/// with a sort key come first, by sort key, machine id and newest version, then the newest id first. Kernels are
/// ordered by system, then the newest version first, but those for rescue last; equal ones keep the order in which they
/// are given.
[[nodiscard]] std::vector<BootEntry> order_entries(std::vector<BootEntry> entries);

/// The rule by which this one, the first of order_entries(), is the default: for people, behind "by".
[[nodiscard]] std::string rule_of_default(const BootEntry& first);

/// The rule of the first Linux in the menu of `file`, whose default is called `name`.
[[nodiscard]] std::string rule_without_default(std::string_view file, std::string_view name);

/// An entry of the same machine with a newer version than `booted`, which nothing but the order makes the default: it
/// has no sort key, and those go last. The newest of them; null when there is none.
[[nodiscard]] const BootEntry* newer_entry(const BootEntry& booted, const std::vector<BootEntry>& entries);

/// The entry of a unified kernel image.
[[nodiscard]] BootEntry uki_entry(UkiFile file);

/// The entry to boot. `pattern` empty: the first. Otherwise the first in order whose id, id without ".efi" or ".conf",
/// file name or path, or a kernel's version matches it; '*', '?' and '[...]' as in fnmatch(3), upper and lower case
/// alike as on the ESP.
/// NotFound names what was looked for and what there is.
[[nodiscard]] Result<BootEntry> pick_entry(const std::vector<BootEntry>& ordered, std::string_view pattern);

}  // namespace vhdboot::entry
