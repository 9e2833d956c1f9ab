// SPDX-License-Identifier: GPL-2.0-or-later
// What a grub.cfg would boot: its variables, conditions, functions and `for` loops are followed, and nothing else is
// done. An entry is read as GRUB runs it: when everything around it has been. Conditions are taken as GRUB takes them
// on a PC with UEFI when no command fails; where only GRUB can tell, the else branch counts, and the other ones as long
// as nothing else is known. The body of `while` and `until` is read once.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "entry/boot_menu.h"
#include "entry/grub_env.h"

namespace vhdboot::entry {

inline constexpr std::size_t kMaxGrubConfig = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxGrubEntries = 4096;
inline constexpr std::size_t kMaxGrubCommand = 4096;           ///< words
inline constexpr std::size_t kMaxGrubExpansion = 1024 * 1024;  ///< bytes that variables put into the text
/// Bytes that loops and functions read again, and what other files have.
inline constexpr std::size_t kMaxGrubLoops = 4 * 1024 * 1024;

/// Another file that grub.cfg names (`source`, `load_env --file`): a path as grub.cfg has it, or a name alone in the
/// folder of grub.cfg; MenuEntry::volume; how large it may be. Nothing when it is not there.
using GrubFileReader =
    std::function<std::optional<std::string>(std::string_view path, std::string_view volume, std::size_t cap)>;

/// Reads the text of a grub.cfg. `environment`: what is in grubenv, for a grub.cfg that loads it; empty when there is
/// none. Corrupt beyond the caps.
[[nodiscard]] Result<BootMenu> parse_grub_cfg(std::string_view text, const GrubVariables& environment,
                                              const GrubFileReader& files = {});

}  // namespace vhdboot::entry
