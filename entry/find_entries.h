// SPDX-License-Identifier: GPL-2.0-or-later
// What of the guest is booted: what its own boot loader would start, as far as its files tell. Unified kernel images
// and boot loader entries on its ESP and XBOOTLDR partition, else the same elsewhere, else the kernels in its /boot.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "disk/guest_disk.h"
#include "entry/guest_entry.h"

namespace vhdboot::entry {

/// Everything that can be found, in the order of a boot menu (order_entries()): what systemd-boot shows, which
/// /loader/loader.conf may choose from, then /loader/entries of other folders, which GRUB's files may choose from, then
/// kernels in /boot. The guest disk must outlive what is found.
[[nodiscard]] FoundEntries find_entries(disk::GuestDisk& disk);

/// The same as far as a boot needs it: it looks on only while there is nothing that `pattern` names, or nothing but
/// what failed to boot before.
[[nodiscard]] FoundEntries find_entries(disk::GuestDisk& disk, std::string_view pattern);

struct Choice {
  const FoundEntry* entry = nullptr;        ///< borrowed from what was found
  std::optional<std::string_view> profile;  ///< borrowed from the pattern
};

/// The entry that `pattern` names ("NAME@PROFILE" for a profile of an image), or the first of `found`, which was found
/// for this pattern. NotFound: nothing to boot, or nothing that matches. Otherwise what is wrong with the only one.
[[nodiscard]] Result<Choice> choose_entry(const FoundEntries& found, std::string_view pattern, disk::GuestDisk& disk);

/// What a boot tries, in order: the entry of choose_entry(), whose errors these are, and behind it the others that
/// `pattern` names. When it names none, those of the same kind, system and root (as far as the entry tells it) that
/// have tries left: nobody asked for another system.
[[nodiscard]] Result<std::vector<Choice>> choose_entries(const FoundEntries& found, std::string_view pattern,
                                                         disk::GuestDisk& disk);

}  // namespace vhdboot::entry
