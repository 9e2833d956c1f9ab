// SPDX-License-Identifier: GPL-2.0-or-later
// What a grub.cfg would boot: read, never executed. Made for what grub-mkconfig writes; of a file by hand what is
// written in the same way. Conditions are taken as GRUB takes them on a PC with UEFI when no command fails; where only
// GRUB can tell, the else branch counts, and the other ones as long as nothing else is known. A `for` is run over what
// its list has; the body of `while` and `until` is read once, that of a function not at all.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "entry/boot_menu.h"
#include "entry/grub_env.h"

namespace vhdboot::entry {

inline constexpr std::size_t kMaxGrubConfig = 4 * 1024 * 1024;
inline constexpr std::size_t kMaxGrubEntries = 4096;
inline constexpr std::size_t kMaxGrubCommand = 4096;           ///< words
inline constexpr std::size_t kMaxGrubExpansion = 1024 * 1024;  ///< bytes that variables put into the text
inline constexpr std::size_t kMaxGrubLoops = 1024 * 1024;      ///< bytes that loops read again, and load_env

/// The environment block that `load_env --file` names: a path as grub.cfg has it, and MenuEntry::volume. Nothing when
/// it is not there.
using GrubBlocks = std::function<std::optional<GrubVariables>(std::string_view path, std::string_view volume)>;

/// Reads the text of a grub.cfg. `environment`: what is in grubenv, for a grub.cfg that loads it; empty when there is
/// none. Corrupt beyond the caps.
[[nodiscard]] Result<BootMenu> parse_grub_cfg(std::string_view text, const GrubVariables& environment,
                                              const GrubBlocks& blocks = {});

}  // namespace vhdboot::entry
