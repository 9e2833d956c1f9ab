// SPDX-License-Identifier: GPL-2.0-or-later
// The configuration of extlinux and syslinux, as Alpine and BIOS images have it (syslinux's doc/syslinux.txt).
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "entry/boot_menu.h"

namespace vhdboot::entry {

inline constexpr std::size_t kMaxExtlinux = 1024 * 1024;
inline constexpr std::size_t kMaxExtlinuxEntries = 1024;  ///< labels

/// A label's id is its name, its title that of the menu. `folder` is where the file lies ("/boot/extlinux"): paths that
/// do not begin at the top begin there. Entries that start something else than Linux have no kernel. The default is
/// what runs when nobody touches a key; a command line instead of a label is one more entry, the last. Files that it
/// includes are not read. Corrupt beyond the caps.
[[nodiscard]] Result<BootMenu> parse_extlinux(std::string_view text, std::string_view folder);

}  // namespace vhdboot::entry
